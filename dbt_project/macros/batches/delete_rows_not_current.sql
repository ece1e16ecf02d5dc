{#-
    A post-hook of an incremental mart: the upsert adds and changes rows, this removes rows of superseded and withdrawn documents. What stays
    is looked up first: Citus compares the rows of a distributed mart with a result that it sends to each node, but not with a local table.
-#}
{% macro delete_rows_not_current(documents) %}
    {%- if is_incremental() -%}
    with current_documents as materialized (
        select _batch_id, _position
        from {{ documents }}
        where outcome = 'current'
    )
    delete from {{ this }} as mart
    where not exists (
        select from current_documents
        where current_documents._batch_id = mart._batch_id and current_documents._position = mart._position
    )
    {%- endif -%}
{% endmacro %}
