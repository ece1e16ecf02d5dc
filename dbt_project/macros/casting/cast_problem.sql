{#- What is wrong with a text that `is_castable` refuses, with the text itself, cut to 100 characters. -#}
{% macro cast_problem(column, type) -%}
    {%- set known = known_type(type) -%}
    {%- set what = "' is not " ~ castable_types()[known] | replace('<zone>', type[15:]) ~ "'" -%}
    {%- set text = column ~ ' collate "C"' -%}
    '{{ column }}: ' || left(to_json({{ column }})::text, 100) || case
        {%- if known in ['integer', 'bigint'] %}
        when {{ text }} ~ '^-?[0-9]+([.]0+)?$' then ' is too large'
        {%- elif known == 'minutes' %}
        when {{ text }} ~ '^-?[0-9]+([.]0+)?$' then ' is more than 300 days'
        {%- elif known == 'double precision' %}
        when {{ text }} ~ '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$' then ' is too large or too small'
        {%- elif known in ['date', 'timestamp', 'timestamptz', 'timestamptz in'] %}
        when {{ text }} ~ '^(0000|0001|9999)-[0-9][0-9]-[0-9][0-9]' then ' is not in the years 0002 to 9998'
        {%- endif %}
        when true then {{ what }}
    end
{%- endmacro %}
