{% macro delete_departed_rows(documents) %}
    {%- if is_incremental() -%}
    delete from {{ this }} as departed
    where not exists (
        select from {{ documents }} as documents
        where documents._batch_id = departed._batch_id
            and documents._position = departed._position
            and documents.outcome = 'current'
    )
    {%- endif -%}
{% endmacro %}
