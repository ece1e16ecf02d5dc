{#-
    A pre-hook, inside the model's transaction. Two concurrent rebuilds could deadlock: each renames its own table and then
    reads the other's table to repoint a view that reads both. With this lock the second rebuild waits for the first.
-#}
{% macro one_rebuild_at_a_time() %}
    {%- if execute and should_full_refresh() -%}
    select pg_advisory_xact_lock(hashtext('waybill: rebuild'))
    {%- endif -%}
{% endmacro %}
