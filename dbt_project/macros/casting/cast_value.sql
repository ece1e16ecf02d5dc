{#- 517.0 and 517 are the same JSON number, so both become the integer 517. -#}
{% macro cast_value(column, type) -%}
    {%- if type in ['integer', 'hhmm'] -%}
        split_part({{ column }}, '.', 1)::integer
    {%- elif type == 'time_zone' -%}
        {{ column }}
    {%- else -%}
        {{ column }}::{{ type }}
    {%- endif -%}
{%- endmacro %}
