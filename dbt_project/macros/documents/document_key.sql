{#-
    The values of the declared key as one text, equal for every spelling of them, and different for different keys. An uncastable
    document keeps the texts as delivered, cut so that an index can take them. If the key is the value of the document, it is the
    hash of the value.
-#}
{% macro document_key(source_name, fields, types={}) -%}
    {%- set columns = key_columns(source_name, fields) if execute else fields | list -%}
    {%- set values, texts = [], [] -%}
    {%- for column in columns if types.get(column) != 'jsonb' -%}
        {%- set type = types.get(column, 'text') -%}
        {%- set has_dashes = type in ['date', 'uuid'] or type.startswith('timestamp') or type.startswith('epoch') -%}
        {%- do values.append((key_text(column, type), has_dashes)) -%}
        {%- do texts.append((column, has_dashes)) -%}
    {%- endfor -%}
    {%- if not columns and execute -%}
    _value_hash::text
    {%- else -%}
    case
        when uncastable_reason is null then {{ joined_key(values) }}
        else nullif(left({{ joined_key(texts) }}, 200), '')
    end
    {%- endif -%}
{%- endmacro %}
