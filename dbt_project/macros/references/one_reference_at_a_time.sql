{#-
    A pre-hook, inside the model's transaction: of the marts that refer to others, or are referred to, one is built at a time. Two that
    refer to each other write to each other's tables, and could otherwise wait for each other for ever.
-#}
{% macro one_reference_at_a_time() %}
    {%- if execute and (references_of(model) or references_to(this.identifier)) -%}
    select pg_advisory_xact_lock(hashtext('waybill: references'))
    {%- endif -%}
{% endmacro %}
