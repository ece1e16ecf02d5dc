{% macro column_at(source_name, fields, pointer) %}
    {%- for column, at in fields.items() if at == pointer -%}
        {{ return(column) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        "loader/sources/" ~ source_name ~ ".yml declares " ~ pointer ~ " as key or version, and no column reads it: add one to "
        ~ "`fields` in dbt_project/" ~ model.original_file_path ~ ", as 'column_name': '" ~ pointer ~ "'"
    ) }}
{% endmacro %}
