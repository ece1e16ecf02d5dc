{% macro new_batches() %}
    (
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = '{{ this.identifier }}' and processed.processed_at = transaction_timestamp()
    )
{% endmacro %}
