{#-
    The batches that this run of the model has to process: those that were added, those that were undone, and erasures, to which
    `mark_erased_documents` has moved the documents.
-#}
{% macro new_batches() %}
    (
        select coalesce(undone.batch_id, processed.batch_id)
        from intermediate.processed_batches as processed
        left join ledger.undone_batches as undone on processed.batch_id = undone.undo_id
        where processed.model = '{{ this.identifier }}' and processed.processed_at = transaction_timestamp()
    )
{% endmacro %}
