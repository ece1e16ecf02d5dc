{#-
    The document, to be joined laterally, decompressed once. PostgreSQL compresses a document of more than 2 kB and decompresses
    it for each field that is read: with hundreds of fields, reading it unpacked is 8 times as fast. `offset 0` keeps the planner
    from inlining the expression.
-#}
{% macro unpacked(document) -%}
    (
        select case when jsonb_typeof({{ document }}) = 'object' then {{ document }} || '{}' else {{ document }} end as document
        offset 0
    )
{%- endmacro %}
