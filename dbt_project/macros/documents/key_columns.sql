{#- The columns of the declared key, in order; none where the key is the value of the document (`key: value`). -#}
{% macro key_columns(source_name, fields) %}
    {%- set columns, key = [], source_declaration(source_name)['key'] -%}
    {%- for pointer in key if key not in ['value', ['value']] -%}
        {%- do columns.append(column_at(source_name, fields, pointer)) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
