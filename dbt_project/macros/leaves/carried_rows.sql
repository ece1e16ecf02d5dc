{#-
    The rows of a mart that a current document has filled. Inferred members have none. A dimension keeps the row of a document that is
    not current any more until the end of the run: it is left out.
-#}
{% macro carried_rows(source_name, documents, relations, mart, is_unfinished) -%}
    {%- if mart not in relations -%}
        {{ exceptions.raise_compiler_error(
            "loader/sources/" ~ source_name ~ ".yml: `carried` names " ~ mart ~ ", which the test leaves_kept does not know: add "
            ~ "ref('" ~ mart ~ "') to its `marts`"
        ) }}
    {%- endif -%}
    {%- set kept_until_the_end = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.alias in relations -%}
        {%- do kept_until_the_end.append(node.alias) if node.config.meta.get('returns_every_row') -%}
    {%- endfor -%}
    (
        select *
        from {{ relations[mart] }} as rows_of_documents
        where rows_of_documents._batch_id is not null
            {%- if is_unfinished or kept_until_the_end %}
            and exists (
                select from {{ documents }} as outcomes
                where outcomes._batch_id = rows_of_documents._batch_id
                    and outcomes._position = rows_of_documents._position
                    and outcomes.outcome = 'current'
                    {%- if is_unfinished %}
                    and outcomes.document_key not in (select unfinished.document_key from unfinished)
                    {%- endif %}
            )
            {%- endif %}
    )
{%- endmacro %}
