{#-
    The documents with what orders them by delivery: when the ledger recorded their batch, then the batch, then the position.
    A replayed document keeps the position in this order that it had when it was rejected. The ledger never changes these
    values, so the order is the same in whatever order dbt processes the batches.
-#}
{% macro in_delivery_order(documents) -%}
    select
        {{ documents }}.*,
        batches.batch_id as _delivering_batch_id,
        batches.committed_at as _delivered_at
    from {{ documents }}
    left join ledger.rejects as rejects
        on {{ documents }}._batch_id = rejects.replayed_by and {{ documents }}._position = rejects.position
    left join ledger.batches as batches
        on coalesce(rejects.batch_id, {{ documents }}._batch_id) = batches.batch_id
{%- endmacro %}
