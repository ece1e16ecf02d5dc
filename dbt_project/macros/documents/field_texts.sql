{#-
    One column for each field, and the document itself, in which `uncastable_reason` looks for objects and arrays where text is
    expected. Fields of a child document have pointers below `within`, e.g. `/observations/*`.
-#}
{% macro field_texts(source_name, fields, document='document', within='') -%}
    {%- for column, pointer in fields.items() -%}
        {{ present_text(source_name, within ~ pointer, text_at(document, pointer)) }} as {{ column }},
        {% endfor -%}
    {{ document }} as _document
{%- endmacro %}
