{% macro batches_not_processed_by(later_model) %}
    (
        select coalesce(undone.batch_id, processed.batch_id)
        from intermediate.processed_batches as processed
        left join ledger.undone_batches as undone on processed.batch_id = undone.undo_id
        where processed.model = '{{ this.identifier }}'
            and not exists (
                select from intermediate.processed_batches as later
                where later.model = '{{ later_model }}' and later.batch_id = processed.batch_id
            )
    )
{% endmacro %}
