{#-
    A pre-hook of the deduplicated models, after `mark_undone_documents`: moves the documents that were erased from their batch to
    their erasure, which models process like a batch, with the outcome `undone`. So each model finds the keys to rebuild in them,
    as in the documents of a new batch. `forget_undone_documents` deletes them at the end of the run.
-#}
{% macro mark_erased_documents() %}
    {%- if is_incremental() -%}
    update {{ this }} as documents
    set
        _batch_id = erased.erasure_id,
        _position = erased.number,
        outcome = 'undone',
        outcome_reason = null,
        surviving_batch_id = null,
        surviving_position = null
    from (
        select
            erased_documents.erasure_id,
            erased_documents.batch_id,
            erased_documents.position,
            row_number() over (
                partition by erased_documents.erasure_id
                order by erased_documents.batch_id, erased_documents.position
            ) as number
        from ledger.erased_documents
        where erased_documents.erasure_id = any(array{{ new_batches() | trim }})
    ) as erased
    where documents._batch_id = erased.batch_id and documents._position = erased.position
    {%- endif -%}
{% endmacro %}
