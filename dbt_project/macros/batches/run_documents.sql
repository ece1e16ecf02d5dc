{% macro run_documents(source_name) -%}
    select *
    from {{ source('raw', source_name) }}
    where _batch_id in (select batch_id from intermediate.run_batches)
{%- endmacro %}
