{#-
    A pre-hook, inside the model's transaction: two rebuilds side by side could wait for each other, since each renames its
    own table and then has to read the other's to carry a view over that reads both.
-#}
{% macro one_rebuild_at_a_time() %}
    {%- if flags.FULL_REFRESH -%}
    select pg_advisory_xact_lock(hashtext('waybill: rebuild'))
    {%- endif -%}
{% endmacro %}
