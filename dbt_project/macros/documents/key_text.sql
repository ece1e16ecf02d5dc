{#- The text of one part of a key: the same for every spelling of a value and for every session. -#}
{% macro key_text(column, type='text') -%}
    {%- if type in ['text', 'time_zone'] -%}
        {{ column }}
    {%- elif type == 'date' -%}
        to_char({{ cast_value(column, type) }}, 'YYYY-MM-DD')
    {%- elif type == 'timestamp' -%}
        rtrim(rtrim(to_char({{ cast_value(column, type) }}, 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.')
    {%- elif type.startswith('timestamptz') or type.startswith('epoch') -%}
        rtrim(rtrim(to_char({{ cast_value(column, type) }} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.') || '+00'
    {%- elif type in ['numeric', 'double precision'] -%}
        trim_scale({{ column }}::numeric)::text
    {%- else -%}
        {{ cast_value(column, type) }}::text
    {%- endif -%}
{%- endmacro %}
