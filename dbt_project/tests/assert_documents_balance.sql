-- P1: of every batch, what the ledger says was landed is in the raw table, and each document has one outcome. Documents of
-- a batch that the ledger does not know count as landed by nobody. What another run has frozen since this one began
-- counts once a model has claimed it.
-- The raw side is named without `source()`: the marts have to wait for this test, so nothing but what is upstream of them
-- may be upstream of it.
{%- set sources = ['airlines', 'airports', 'aircraft', 'flights', 'weather'] %}

with

frozen as (

    select batches.batch_id
    from intermediate.frozen_batches as batches
    where batches.frozen_by = '{{ invocation_id }}'
        or batches.frozen_at <= '{{ run_started_at }}'
        or exists (
            select from intermediate.consumed_batches as consumed
            where consumed.batch_id = batches.batch_id
                and consumed.model = 'int_' || batches.source || '_deduplicated'
        )

),

ledger as (

    select batches.source, batches.batch_id as _batch_id, batches.landed as documents
    from ledger.batches as batches
    inner join frozen on batches.batch_id = frozen.batch_id

),

landed as (
    {% for source_name in sources %}
    select '{{ source_name }}' as source, _batch_id, count(*) as documents
    from raw.{{ source_name }}
    where _batch_id in (select frozen.batch_id from frozen)
        or _batch_id not in (select batches.batch_id from ledger.batches as batches)
    group by _batch_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

outcomes as (

    select source, _batch_id, count(*) as documents
    from {{ ref('document_outcomes') }}
    where outcome in ('uncastable', 'duplicate', 'superseded', 'filtered', 'current')
    group by source, _batch_id

),

final as (

    select
        source,
        _batch_id,
        coalesce(ledger.documents, 0) as ledger_documents,
        coalesce(landed.documents, 0) as raw_documents,
        coalesce(outcomes.documents, 0) as outcome_documents
    from ledger
    full join landed using (source, _batch_id)
    full join outcomes using (source, _batch_id)

)

select * from final
where ledger_documents <> raw_documents or raw_documents <> outcome_documents
