{#-
    Adds the committed batches to the run batches. All models of a run read the same batches: one that is committed after this
    waits for the next run.
-#}
{% macro add_run_batches() %}
    insert into intermediate.run_batches (batch_id, source, added_by)
    select batches.batch_id, batches.source, '{{ invocation_id }}'
    from ledger.batches
    where not exists (
        select from intermediate.run_batches where run_batches.batch_id = batches.batch_id
    )
    on conflict do nothing;
{% endmacro %}
