{% macro claimed_batches() %}
    (
        select claimed.batch_id
        from intermediate.consumed_batches as claimed
        where claimed.model = '{{ this.identifier }}' and claimed.consumed_at = transaction_timestamp()
    )
{% endmacro %}
