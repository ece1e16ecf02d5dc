{% macro column_at(source_name, fields, pointer) %}
    {%- for column, at in fields.items() if at == pointer -%}
        {{ return(column) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        "source " ~ source_name ~ " declares " ~ pointer ~ " as key or version, and " ~ model.name ~ " has no column for it"
    ) }}
{% endmacro %}
