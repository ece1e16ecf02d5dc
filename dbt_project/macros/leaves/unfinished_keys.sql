{#-
    The keys of documents that have changed since the marts were built: of batches that the deduplicated model has processed and one of
    the marts has not, that a concurrent run has added, or that were undone since; and those of documents that were erased since. The
    marts still show what these keys were before.
-#}
{% macro unfinished_keys(documents, marts) -%}
    select changed.document_key
    from {{ documents }} as changed
    where changed._batch_id in (
        select coalesce(undone.batch_id, processed.batch_id)
        from intermediate.processed_batches as processed
        left join intermediate.run_batches as added on processed.batch_id = added.batch_id
        left join ledger.undone_batches as undone on processed.batch_id = undone.undo_id
        where processed.model = '{{ documents.identifier }}'
            and (
                (added.added_at > '{{ run_started_at }}' and added.added_by <> '{{ invocation_id }}')
                {%- for mart in marts %}
                or processed.batch_id in {{ batches_missing_in(mart.identifier, documents.identifier) }}
                {%- endfor %}
            )
        union all
        select undone.batch_id
        from ledger.undone_batches as undone
        where undone.undo_id not in (
            select processed.batch_id
            from intermediate.processed_batches as processed
            where processed.model = '{{ documents.identifier }}'
        )
    )
    union all
    select changed.document_key
    from ledger.erased_documents as erased
    inner join {{ documents }} as changed on erased.batch_id = changed._batch_id and erased.position = changed._position
    where erased.erasure_id not in (
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = '{{ documents.identifier }}'
    )
{%- endmacro %}
