{#- The column of the declared version; none if the source has no version, and the order of delivery decides. -#}
{% macro version_column(source_name, fields) %}
    {%- set pointer = source_declaration(source_name)['version'] -%}
    {{ return(none if pointer == 'delivery' else column_at(source_name, fields, pointer)) }}
{% endmacro %}
