{#- 517.0 and 517 are one JSON value, so both are the integer 517. -#}
{% macro cast_value(column, type) -%}
    {%- if type in ['integer', 'hhmm'] -%}
        split_part({{ column }}, '.', 1)::integer
    {%- elif type == 'time_zone' -%}
        {{ column }}
    {%- else -%}
        {{ column }}::{{ type }}
    {%- endif -%}
{%- endmacro %}
