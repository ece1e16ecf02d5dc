{#-
    One column for each field, and the document itself, in which `uncastable_reason` looks for objects and arrays where text is
    expected. A field of type `jsonb` keeps its JSON. Fields of a child document have pointers below `within`, e.g.
    `/observations/*`. Of a source that declares `tombstone: delete`, the key of a null is read from its message key.
-#}
{% macro field_texts(source_name, fields, document='document', within='', types={}) -%}
    {%- set nulls = has_nulls(source_name) and not within -%}
    {%- set key = source_declaration(source_name)['key'] if nulls else [] -%}
    {%- for column, pointer in fields.items() -%}
        {%- if types.get(column) == 'jsonb' -%}
            nullif({{ json_at(document, pointer) }}, 'null') as {{ column }},
        {% elif pointer in key -%}
            {{ present_text(
                source_name, pointer, "coalesce(_message_key ->> " ~ key.index(pointer) ~ ", " ~ text_at(document, pointer) ~ ")"
            ) }} as {{ column }},
        {% else -%}
            {{ present_text(source_name, within ~ pointer, text_at(document, pointer)) }} as {{ column }},
        {% endif -%}
    {%- endfor -%}
    {{ '_message_key,' if nulls }}
    {{ document }} as _document
{%- endmacro %}
