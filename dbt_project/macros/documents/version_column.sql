{% macro version_column(source_name, fields) %}
    {{ return(column_at(source_name, fields, source_declaration(source_name)['version'])) }}
{% endmacro %}
