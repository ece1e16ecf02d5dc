{#-
    The landed documents of the run batches. `_envelope` holds the fields beside the records of their file, which `json_at` reads
    for a pointer after `envelope:`. PostgreSQL can leave out both joins where nothing reads it.
-#}
{% macro run_documents(source_name) -%}
    select
        documents.*,
        inputs.envelope as _envelope
    from {{ source('raw', source_name) }} as documents
    left join ledger.batches as batches on documents._batch_id = batches.batch_id
    left join ledger.inputs as inputs on batches.input_id = inputs.input_id
    where documents._batch_id in (select batch_id from intermediate.run_batches)
{%- endmacro %}
