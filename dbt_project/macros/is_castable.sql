{% macro is_castable(expression, type) -%}
    {%- if type == 'hhmm' -%}
        case
            when pg_input_is_valid({{ expression }}, 'integer')
                then {{ expression }}::integer between 0 and 2400 and {{ expression }}::integer % 100 < 60
            else false
        end
    {%- elif type == 'date' -%}
        ({{ expression }} like '____-__-__' and pg_input_is_valid({{ expression }}, 'date'))
    {%- elif type == 'timestamptz' -%}
        ({{ expression }} like '____-__-__T__:__%' and pg_input_is_valid({{ expression }}, 'timestamptz'))
    {%- elif type == 'double precision' -%}
        ({{ expression }} ~ '^[-+.0-9eE]+$' and pg_input_is_valid({{ expression }}, 'double precision'))
    {%- else -%}
        pg_input_is_valid({{ expression }}, '{{ type }}')
    {%- endif -%}
{%- endmacro %}
