-- P1: for every source, what the ledger says was landed is in the raw table, and each document has one outcome.
-- The raw side is named without `source()`: the marts have to wait for this test, whatever else is upstream of them.
{%- set sources = ['airlines', 'airports', 'aircraft', 'flights', 'weather'] %}

with

ledger as (

    select batches.source, sum(batches.landed) as documents
    from ledger.batches as batches
    where batches.batch_id in (select frozen.batch_id from intermediate.frozen_batches as frozen)
    group by batches.source

),

landed as (
    {% for source_name in sources %}
    select '{{ source_name }}' as source, count(*) as documents
    from raw.{{ source_name }}
    where _batch_id in (select frozen.batch_id from intermediate.frozen_batches as frozen)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

outcomes as (

    select source, count(*) as documents
    from {{ ref('document_outcomes') }}
    where outcome in ('uncastable', 'duplicate', 'superseded', 'filtered', 'current')
    group by source

)

select
    landed.source,
    ledger.documents as ledger_documents,
    landed.documents as raw_documents,
    outcomes.documents as outcome_documents
from landed
left join ledger on landed.source = ledger.source
left join outcomes on landed.source = outcomes.source
where coalesce(ledger.documents, 0) <> landed.documents or coalesce(outcomes.documents, 0) <> landed.documents
