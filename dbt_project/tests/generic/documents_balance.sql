{#-
    Promise P1, on a model int_<source>_deduplicated: for every batch of the source, the documents that the ledger counts as
    landed are in the raw table, and each has exactly one outcome. Documents of a batch that the ledger does not know count
    as landed 0. So do those of an undone batch, which must have no other outcome than `undone` once the model has processed
    the undoing, and each document that was erased. A batch that a concurrent run has added since this run began counts once the model has processed it.
    Marts that read the model wait for this test.
-#}
{% test documents_balance(model, source_name) %}

with

run_batches as (

    select batches.batch_id
    from intermediate.run_batches as batches
    where batches.source = '{{ source_name }}' and (
        batches.added_by = '{{ invocation_id }}'
        or batches.added_at <= '{{ run_started_at }}'
        or exists (
            select from intermediate.processed_batches as processed
            where processed.batch_id = batches.batch_id
                and processed.model = 'int_{{ source_name }}_deduplicated'
        )
    )

),

erased as (

    select erased_documents.batch_id, count(*) as documents
    from ledger.erased_documents
    group by erased_documents.batch_id

),

ledger as (

    select
        batches.batch_id as _batch_id,
        case when undone.batch_id is null then batches.landed - coalesce(erased.documents, 0) else 0 end as documents
    from ledger.batches as batches
    inner join run_batches on batches.batch_id = run_batches.batch_id
    left join ledger.undone_batches as undone on batches.batch_id = undone.batch_id
    left join erased on batches.batch_id = erased.batch_id

),

landed as (

    select _batch_id, count(*) as documents
    from {{ source('raw', source_name) }}
    where _batch_id in (select run_batches.batch_id from run_batches)
        or _batch_id not in (select batches.batch_id from ledger.batches as batches)
    group by _batch_id

),

outcomes as (

    select _batch_id, count(*) as documents
    from {{ model }} as documents
    where outcome in ('{{ outcome_names() | reject("equalto", "undone") | join("', '") }}')
        and _batch_id not in (
            select undone.batch_id
            from ledger.undone_batches as undone
            where not exists (
                select from intermediate.processed_batches as processed
                where processed.batch_id = undone.undo_id
                    and processed.model = 'int_{{ source_name }}_deduplicated'
            )
        )
        and not exists (
            select from ledger.erased_documents as later
            where later.batch_id = documents._batch_id
                and later.position = documents._position
                and later.erasure_id not in (
                    select processed.batch_id
                    from intermediate.processed_batches as processed
                    where processed.model = 'int_{{ source_name }}_deduplicated'
                )
        )
    group by _batch_id

),

final as (

    select
        _batch_id,
        coalesce(ledger.documents, 0) as ledger_documents,
        coalesce(landed.documents, 0) as raw_documents,
        coalesce(outcomes.documents, 0) as outcome_documents,
        case
            when coalesce(outcomes.documents, 0) < landed.documents then '{{ repair_command() }}'
        end as repair
    from ledger
    full join landed using (_batch_id)
    full join outcomes using (_batch_id)

)

select * from final
where ledger_documents <> raw_documents or raw_documents <> outcome_documents

{% endtest %}
