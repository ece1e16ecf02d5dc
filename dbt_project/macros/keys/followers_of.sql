{#-
    The tables that this run builds after a rebuilt one and that refer to it, as SQL expressions: if its key has changed, they are rebuilt,
    too, and get their foreign keys then. A table that refers to a dimension of another source is one of them if it declares the new type.
-#}
{% macro followers_of(node) %}
    {%- set names = [] -%}
    {%- for name in selected_resources if graph.nodes.get(name, {}).get('resource_type') == 'model' -%}
        {%- if node.unique_id in graph.nodes[name].depends_on.nodes -%}{%- do names.append(graph.nodes[name].relation_name) -%}{%- endif -%}
    {%- endfor -%}
    {%- for reference in references_to(node.alias) if reference.type == reference.key_type and reference.child_id in selected_resources -%}
        {%- do names.append(reference.child) -%}
    {%- endfor -%}
    {%- set found = ['null'] -%}
    {%- for name in names -%}
        {%- do found.append('to_regclass(' ~ dbt.string_literal(dbt.escape_single_quotes(name)) ~ ')') -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
