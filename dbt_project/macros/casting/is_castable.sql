{% macro is_castable(expression, type) -%}
    {%- if type == 'hhmm' -%}
        case
            when pg_input_is_valid({{ expression }}, 'integer')
                then {{ expression }}::integer between 0 and 2400 and {{ expression }}::integer % 100 < 60
            when {{ expression }} ~ '^\d{1,4}[.]0+$'
                then {{ cast_value(expression, type) }} between 0 and 2400
                    and {{ cast_value(expression, type) }} % 100 < 60
            else false
        end
    {%- elif type == 'integer' -%}
        (
            pg_input_is_valid({{ expression }}, 'integer')
            or ({{ expression }} ~ '^-?\d+[.]0+$' and pg_input_is_valid(split_part({{ expression }}, '.', 1), 'integer'))
        )
    {%- elif type == 'date' -%}
        ({{ expression }} like '____-__-__' and pg_input_is_valid({{ expression }}, 'date'))
    {%- elif type == 'timestamptz' -%}
        (
            {{ expression }} like '____-__-__T__:__%'
            and ({{ expression }} like '%Z' or {{ expression }} ~ '[-+]\d\d(:?\d\d)?$')
            and pg_input_is_valid({{ expression }}, 'timestamptz')
        )
    {%- elif type == 'time_zone' -%}
        (
            {{ expression }} ~ '^[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]*)+$'
            and pg_input_is_valid('2013-01-01 00:00:00 ' || {{ expression }}, 'timestamptz')
        )
    {%- elif type == 'double precision' -%}
        ({{ expression }} ~ '^[-+.0-9eE]+$' and pg_input_is_valid({{ expression }}, 'double precision'))
    {%- else -%}
        pg_input_is_valid({{ expression }}, '{{ type }}')
    {%- endif -%}
{%- endmacro %}
