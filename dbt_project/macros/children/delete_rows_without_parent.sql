{#-
    A post-hook of an incremental child mart, after its upsert: deletes the rows of documents that the parent mart has replaced by
    another one, such as those beyond the end of an array that is shorter now. A parent that is deleted takes its child rows
    with it, since the foreign key cascades.
-#}
{% macro delete_rows_without_parent(parent) %}
    {%- if is_incremental() -%}
    delete from {{ this }} as mart
    where not exists (
        select from {{ parent }} as parent
        where parent._batch_id = mart._batch_id and parent._position = mart._position
    )
    {%- endif -%}
{% endmacro %}
