{#- One column for each field. For the version, only an empty or blank text is missing, whatever the source declares. -#}
{% macro field_texts(source_name, fields, document='document') -%}
    {%- set version = source_declaration(source_name)['version'] if execute else none -%}
    {%- for column, pointer in fields.items() -%}
        {%- if pointer == version -%}
            nullif(trim({{ text_at(document, pointer) }}), '') as {{ column }}
        {%- else -%}
            {{ present_text(source_name, text_at(document, pointer)) }} as {{ column }}
        {%- endif -%}
        {{ ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
