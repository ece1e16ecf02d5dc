{#- The references of all marts to one: its own to itself, too. Each has the `child`, the table that refers to it. -#}
{% macro references_to(mart) %}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- for reference in references_of(node) if reference.mart == mart -%}
            {%- do found.append(dict(reference, child=node.relation_name, child_name=node.alias, child_id=node.unique_id)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
