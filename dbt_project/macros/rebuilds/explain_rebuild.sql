{#- A pre-hook: says in one line that a table is rebuilt because it is out of date, and why; stops if what it reads is out of date, too. -#}
{% macro explain_rebuild() %}
    {%- set reason = rebuild_reason(model.unique_id) -%}
    {%- set rebuild = graph.nodes[model.unique_id].get('rebuild') if execute else none -%}
    {%- if reason and rebuild.is_there and should_full_refresh() -%}
        {{ print(this.identifier ~ ' is rebuilt from all documents, because ' ~ reason) }}
        {{ refuse_outdated_upstream(rebuild.upstream) }}
    {%- endif -%}
{% endmacro %}
