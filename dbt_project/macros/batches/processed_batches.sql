{#-
    Batches that this model has already processed, the new ones of this run included. Batches that a concurrent run adds
    are excluded, even though the staging views show them.
-#}
{% macro processed_batches() %}
    (
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = '{{ this.identifier }}'
    )
{% endmacro %}
