{#-
    Whether the document withdraws its record, as `withdrawn_when` defines it; null for a value that the declaration does not
    know. Such a document counts as not withdrawn, and the test `known_withdrawals` reports it. A null that is landed, as
    `tombstone: delete` declares it, withdraws its key.
-#}
{% macro is_withdrawn(source_name, document='document') -%}
    {%- set rule = source_declaration(source_name).get('withdrawn_when') if execute else none -%}
    {%- set nulls = has_nulls(source_name) -%}
    {%- if rule -%}
        {%- set value = present_text(source_name, rule['field'], text_at(document, rule['field'])) -%}
        case
            {%- if nulls %}
            when _message_key is not null then true
            {%- endif %}
            when {{ value }} is null then false
            {%- for known, texts in [('true', rule['values']), ('false', rule.get('other_values', []))] if texts %}
            when {{ value }} in (
                {%- for text in texts %}'{{ text | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor -%}
            ) then {{ known }}
            {%- endfor %}
        end
    {%- else -%}
        {{ '_message_key is not null' if nulls else 'false' }}
    {%- endif -%}
{%- endmacro %}
