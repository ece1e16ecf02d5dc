{% macro batches_not_processed_by(later_model) %}
    (
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = '{{ this.identifier }}'
            and not exists (
                select from intermediate.processed_batches as later
                where later.model = '{{ later_model }}' and later.batch_id = processed.batch_id
            )
    )
{% endmacro %}
