-- P1: of every batch, what the ledger says was landed is in the raw table, and each document has one outcome. Documents of
-- a batch that the ledger does not know count as landed by nobody.
-- The raw side is named without `source()`: the marts have to wait for this test, so nothing but what is upstream of them
-- may be upstream of it.
{%- set sources = ['airlines', 'airports', 'aircraft', 'flights', 'weather'] %}

with

ledger as (

    select batches.source, batches.batch_id as _batch_id, batches.landed as documents
    from ledger.batches as batches
    inner join intermediate.frozen_batches as frozen on batches.batch_id = frozen.batch_id

),

landed as (
    {% for source_name in sources %}
    select '{{ source_name }}' as source, _batch_id, count(*) as documents
    from raw.{{ source_name }}
    where _batch_id in (select frozen.batch_id from intermediate.frozen_batches as frozen)
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
