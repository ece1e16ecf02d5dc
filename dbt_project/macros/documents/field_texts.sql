{#-
    One column for each field, and the document itself, in which `uncastable_reason` looks for objects and arrays where text is
    expected. A field of type `jsonb` keeps its JSON. Fields of a child document have pointers below `within`, e.g.
    `/observations/*`.
-#}
{% macro field_texts(source_name, fields, document='document', within='', types={}) -%}
    {%- for column, pointer in fields.items() -%}
        {%- if types.get(column) == 'jsonb' -%}
            nullif({{ json_at(document, pointer) }}, 'null') as {{ column }},
        {% else -%}
            {{ present_text(source_name, within ~ pointer, text_at(document, pointer)) }} as {{ column }},
        {% endif -%}
    {%- endfor -%}
    {{ document }} as _document
{%- endmacro %}
