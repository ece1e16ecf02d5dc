{#-
    What an incremental model reads: the nearest incremental `models` upstream, and the `views` on the way to them. `others` are the
    names of everything on the way, the models included.
-#}
{% macro upstream_of(node) %}
    {%- set found = {'models': [], 'views': [], 'others': []} -%}
    {%- set waiting = node.depends_on.nodes | list -%}
    {%- for name in waiting if name in graph.nodes and name not in found.others -%}
        {%- set upstream = graph.nodes[name] -%}
        {%- do found.others.append(name) -%}
        {%- if upstream.config.materialized == 'incremental' -%}
            {%- do found.models.append(upstream) -%}
        {%- else -%}
            {%- if 'view' in upstream.config.materialized -%}{%- do found.views.append(upstream) -%}{%- endif -%}
            {%- do waiting.extend(upstream.depends_on.nodes) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
