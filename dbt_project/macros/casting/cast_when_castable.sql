{% macro cast_when_castable(column, type) -%}
    case when uncastable_reason is null then {{ cast_value(column, type) }} end
{%- endmacro %}
