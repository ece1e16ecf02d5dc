{#- The batches that this model holds and a later one has not taken in yet. -#}
{% macro batches_not_in(later_model) %}
    (
        select held.batch_id
        from intermediate.consumed_batches as held
        where held.model = '{{ this.identifier }}'
            and not exists (
                select from intermediate.consumed_batches as consumed
                where consumed.model = '{{ later_model }}' and consumed.batch_id = held.batch_id
            )
    )
{% endmacro %}
