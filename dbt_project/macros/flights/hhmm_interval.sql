{#- waybill: sample -#}
{% macro hhmm_interval(column) -%}
    make_interval(hours => {{ column }} / 100, mins => {{ column }} % 100)
{%- endmacro %}
