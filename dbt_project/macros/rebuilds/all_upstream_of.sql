{#- All models and sources that a model reads, directly or through others, as names of dbt's graph. -#}
{% macro all_upstream_of(node) %}
    {%- set found = [] -%}
    {%- set waiting = node.depends_on.nodes | list -%}
    {%- for name in waiting if name not in found -%}
        {%- do found.append(name) -%}
        {%- do waiting.extend(graph.nodes[name].depends_on.nodes if name in graph.nodes else []) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
