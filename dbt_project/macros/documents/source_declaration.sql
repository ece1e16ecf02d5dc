{#-
    What `loader/sources/<source>.yml` declares, as the generated `_raw_<source>.yml` passes it to dbt: key, version, missing
    texts and withdrawal. They are declared nowhere else.
-#}
{% macro source_declaration(source_name) %}
    {%- for node in graph.sources.values() if node.source_name == 'raw' and node.name == source_name -%}
        {{ return(node.config.meta) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        "models has no _raw_" ~ source_name ~ ".yml: run `waybill sources --write`"
    ) }}
{% endmacro %}
