{#-
    A post-hook of a deduplicated model, inside its transaction: every document of the batches that this run has recorded as
    processed is now in the model. If not, nothing is recorded, whatever the reason: a staging view that is older than the
    model or filters rows, a flag of dbt. The raw table is named here, so that no flag can limit it.
-#}
{% macro require_all_read() %}
do $read$
declare
    missing record;
begin
    select landed._batch_id, count(*) as documents into missing
    from raw.{{ adapter.quote(source_of(this.identifier)) }} as landed
    where landed._batch_id in {{ new_batches() | trim }}
        and not exists (
            select from {{ this }} as documents
            where documents._batch_id = landed._batch_id and documents._position = landed._position
        )
    group by landed._batch_id
    limit 1;
    if found then
        raise exception '{{ this }} has not read % documents of batch %', missing.documents, missing._batch_id
        using hint = 'Every document of raw.{{ source_of(this.identifier) }} has to reach it: check the staging view.';
    end if;
end $read$
{% endmacro %}
