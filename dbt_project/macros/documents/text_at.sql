{% macro text_at(document, pointer) -%}
    {{ json_at(document, pointer, as_text=true) }}
{%- endmacro %}
