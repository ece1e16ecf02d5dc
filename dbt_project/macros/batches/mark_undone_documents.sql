{#-
    A pre-hook of the deduplicated models, after `process_new_batches`: gives the documents of batches that were undone the
    outcome `undone`. The rows stay until every model that has read the batch knows: each finds the keys to rebuild in them,
    as in the documents of a new batch. `forget_undone_documents` deletes them then.
-#}
{% macro mark_undone_documents() %}
    {%- if is_incremental() -%}
    update {{ this }} as documents
    set outcome = 'undone', outcome_reason = null, surviving_batch_id = null, surviving_position = null
    from ledger.undone_batches as undone
    where documents._batch_id = undone.batch_id and undone.batch_id = any(array{{ new_batches() | trim }})
    {%- endif -%}
{% endmacro %}
