{#- Incremental models read the batches that they have processed again only when they are rebuilt. -#}
{% macro repair_command() -%}
    waybill dbt build --full-refresh
{%- endmacro %}
