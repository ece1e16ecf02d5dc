{#-
    Promise P5, on a mart: every current document of the batches that the mart has processed has its rows in the mart. A batch
    that was recorded as processed and never read shows here; the rows name the command that repairs it. `has_rows` is the
    condition of a document that has rows in the mart.
-#}
{% test current_documents_built(model, documents, has_rows='true') %}

select documents.document_key, documents._batch_id, documents._position, '{{ repair_command() }}' as repair
from {{ documents }} as documents
where documents.outcome = 'current'
    and documents._batch_id = any(array(
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = '{{ model.identifier }}'
    ))
    and {{ has_rows }}
    and not exists (
        select from {{ model }} as mart
        where mart._batch_id = documents._batch_id and mart._position = documents._position
    )

{% endtest %}
