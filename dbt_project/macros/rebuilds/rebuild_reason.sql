{#-
    Why the table of an incremental model has to be rebuilt from all documents, or none. It is asked when the models that this one reads
    have been built, and answered once a run: the answer is kept in the node of dbt's graph.
-#}
{% macro rebuild_reason(name) %}
    {%- set node = graph.nodes.get(name) if execute and flags.WHICH in ['run', 'build'] else none -%}
    {%- if not node or node.config.materialized != 'incremental' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if 'rebuild' not in node -%}
        {%- do node.update({'rebuild': compare_builds(node)}) -%}
    {%- endif -%}
    {{ return(node['rebuild'].reason) }}
{% endmacro %}
