{#- waybill: sample -#}
{% macro nearest_day(expected, found) -%}
    round(extract(epoch from {{ expected }} - {{ found }}) / 86400)::integer
{%- endmacro %}
