{#-
    The values of the declared key, joined by hyphens and equal for every spelling of them. An uncastable document keeps the
    texts as delivered, cut so that an index can take them.
-#}
{% macro document_key(source_name, fields, types={}) -%}
    {%- set columns = key_columns(source_name, fields) if execute else fields | list -%}
    {%- set values = [] -%}
    {%- for column in columns -%}
        {%- set value = cast_value(column, types[column]) if column in types else column -%}
        {%- do values.append("to_char(" ~ value ~ ", 'YYYY-MM-DD')" if types.get(column) == 'date' else value) -%}
    {%- endfor -%}
    case
        when uncastable_reason is null then concat_ws('-', {{ values | join(', ') }})
        else nullif(left(concat_ws('-', {{ columns | join(', ') }}), 200), '')
    end
{%- endmacro %}
