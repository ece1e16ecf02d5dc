{% macro unconsumed_batches(model_name=none) %}
    (
        select frozen.batch_id
        from intermediate.frozen_batches as frozen
        where not exists (
            select from intermediate.consumed_batches as consumed
            where consumed.model = '{{ model_name or this.identifier }}' and consumed.batch_id = frozen.batch_id
        )
    )
{% endmacro %}
