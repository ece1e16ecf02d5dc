{% macro unconsumed_batches() %}
    (
        select frozen.batch_id
        from intermediate.frozen_batches as frozen
        where not exists (
            select from intermediate.consumed_batches as consumed
            where consumed.model = '{{ this.identifier }}' and consumed.batch_id = frozen.batch_id
        )
    )
{% endmacro %}
