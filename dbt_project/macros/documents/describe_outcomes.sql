{#- Comments on `document_outcomes` and its columns: the descriptions in models/intermediate/outcomes/_document_outcomes.yml. -#}
{% macro describe_outcomes() %}
    {%- for node in graph.sources.values() if node.schema == 'intermediate' and node.identifier == 'document_outcomes' -%}
    comment on view intermediate.document_outcomes is {{ dbt.string_literal(dbt.escape_single_quotes(node.description)) }};
    {%- for column in node.columns.values() if column.description %}
    comment on column intermediate.document_outcomes.{{ adapter.quote(column.name) }} is {{
        dbt.string_literal(dbt.escape_single_quotes(column.description))
    }};
    {%- endfor %}
    {%- endfor %}
{% endmacro %}
