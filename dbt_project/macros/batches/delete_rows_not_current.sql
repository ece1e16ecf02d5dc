{#- A post-hook of an incremental mart: the upsert adds and changes rows, this removes rows of superseded and withdrawn documents. -#}
{% macro delete_rows_not_current(documents) %}
    {%- if is_incremental() -%}
    delete from {{ this }} as mart
    where not exists (
        select from {{ documents }} as documents
        where documents._batch_id = mart._batch_id
            and documents._position = mart._position
            and documents.outcome = 'current'
    )
    {%- endif -%}
{% endmacro %}
