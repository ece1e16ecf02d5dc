{#-
    The rows of the parent mart whose child rows have to be built: in a full refresh all, else those of the keys of the new batches.
    The mart is the parent's, not the deduplicated documents: the child never has a row whose parent is not there yet.
-#}
{% macro touched_parents(parent, documents) -%}
    select parent.*
    from {{ parent }} as parent
    {%- if is_incremental() %}
    inner join {{ documents }} as documents
        on parent._batch_id = documents._batch_id and parent._position = documents._position
    where documents.document_key in (
        select document_key from {{ documents }} where _batch_id = any(array{{ new_batches() | trim }})
    )
    {%- endif %}
{%- endmacro %}
