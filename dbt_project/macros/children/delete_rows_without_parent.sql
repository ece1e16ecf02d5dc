{#-
    A post-hook of an incremental child mart, after its upsert: deletes the rows of documents that the parent mart has replaced by
    another one, such as those beyond the end of an array that is shorter now. A parent that is deleted takes its child rows
    with it, since the foreign key cascades. What stays is looked up first, as in `delete_rows_not_current`.
-#}
{% macro delete_rows_without_parent(parent) %}
    {%- if is_incremental() -%}
    with parents as materialized (
        select _batch_id, _position
        from {{ parent }}
    )
    delete from {{ this }} as mart
    where not exists (
        select from parents
        where parents._batch_id = mart._batch_id and parents._position = mart._position
    )
    {%- endif -%}
{% endmacro %}
