{% macro key_columns(source_name, fields) %}
    {%- set columns = [] -%}
    {%- for pointer in source_declaration(source_name)['key'] -%}
        {%- do columns.append(column_at(source_name, fields, pointer)) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
