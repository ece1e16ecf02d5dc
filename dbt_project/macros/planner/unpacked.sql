{#-
    The document, to be joined laterally as `unpacked (document)`, decompressed once. PostgreSQL compresses a document of more than
    2 kB and decompresses it for each field that is read: with hundreds of fields, reading it unpacked is over 100 times as fast.
    A function in `from` is called once for each row, and the planner expects one row of it.
-#}
{% macro unpacked(document) -%}
    jsonb_path_query_first({{ document }}, '$')
{%- endmacro %}
