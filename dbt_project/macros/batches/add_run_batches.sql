{#-
    Adds the committed batches to the run batches. All models of a run read the same batches: one that is committed after this
    waits for the next run. A batch that was undone before any run saw it is left out. One that was undone later counts as new
    once more, under the id of its undoing: models process it like a batch. So they do an erasure, under its own id.
-#}
{% macro add_run_batches() %}
    insert into intermediate.run_batches (batch_id, source, added_by)
    select batches.batch_id, batches.source, '{{ invocation_id }}'
    from ledger.batches
    where not exists (
        select from intermediate.run_batches where run_batches.batch_id = batches.batch_id
    )
    and not exists (
        select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id
    )
    on conflict do nothing;
    insert into intermediate.run_batches (batch_id, source, added_by)
    select undone.undo_id, run_batches.source, '{{ invocation_id }}'
    from ledger.undone_batches as undone
    inner join intermediate.run_batches on undone.batch_id = run_batches.batch_id
    on conflict do nothing;
    insert into intermediate.run_batches (batch_id, source, added_by)
    select erasures.erasure_id, erasures.source, '{{ invocation_id }}'
    from ledger.erasures
    on conflict do nothing;
{% endmacro %}
