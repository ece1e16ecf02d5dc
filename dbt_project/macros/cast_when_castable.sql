{% macro cast_when_castable(column, type) -%}
    case when uncastable_reason is null then {{ column }}::{{ 'integer' if type == 'hhmm' else type }} end
{%- endmacro %}
