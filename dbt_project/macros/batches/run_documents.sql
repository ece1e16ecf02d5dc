{#-
    The landed documents of the run batches. `_envelope` holds the fields beside the records of their file, which `json_at` reads
    for a pointer after `envelope:`; PostgreSQL looks them up only where a staging model reads one.
-#}
{% macro run_documents(source_name) -%}
    select
        *,
        (
            select inputs.envelope
            from ledger.batches as batches
            inner join ledger.inputs as inputs on batches.input_id = inputs.input_id
            where batches.batch_id = documents._batch_id
        ) as _envelope
    from {{ source('raw', source_name) }} as documents
    where _batch_id in (select batch_id from intermediate.run_batches)
{%- endmacro %}
