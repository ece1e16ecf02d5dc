{#- The landed documents of the run batches; with the envelope of their file, if the source's version is in it. -#}
{% macro run_documents(source_name) -%}
    {%- set has_envelope = execute and source_declaration(source_name)['version'].startswith('envelope:') -%}
    select
        *
        {%- if has_envelope %},
        (
            select inputs.envelope
            from ledger.batches as batches
            inner join ledger.inputs as inputs on batches.input_id = inputs.input_id
            where batches.batch_id = documents._batch_id
        ) as _envelope
        {%- endif %}
    from {{ source('raw', source_name) }} as documents
    where _batch_id in (select batch_id from intermediate.run_batches)
{%- endmacro %}
