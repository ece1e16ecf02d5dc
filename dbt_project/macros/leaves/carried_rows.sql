{#- The rows of a mart that a current document has filled. Inferred members have none. -#}
{% macro carried_rows(source_name, documents, relations, mart, is_unfinished) -%}
    {%- if mart not in relations -%}
        {{ exceptions.raise_compiler_error(
            "loader/sources/" ~ source_name ~ ".yml: `carried` names " ~ mart ~ ", which the test leaves_kept does not know: add "
            ~ "ref('" ~ mart ~ "') to its `marts`"
        ) }}
    {%- endif -%}
    (
        select *
        from {{ relations[mart] }} as rows_of_documents
        where rows_of_documents._batch_id is not null
            {%- if is_unfinished %}
            and exists (
                select from {{ documents }} as outcomes
                where outcomes._batch_id = rows_of_documents._batch_id
                    and outcomes._position = rows_of_documents._position
                    and outcomes.outcome = 'current'
                    and outcomes.document_key not in (select unfinished.document_key from unfinished)
            )
            {%- endif %}
    )
{%- endmacro %}
