"""Layout 18: documents can be erased. The ledger keeps that and where, their keys only as keyed hashes, and backups.

A key that was erased may not land again: the loader counts such a document as landed and erased, and has no raw row of
it. What erases is the role keeper. Which models learnt from erased rows is in `predictions`.
"""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "18"
down_revision = "17"

TABLES = """
create table ledger.erasures (
    erasure_id uuid not null,
    run_id uuid not null,
    source text not null,
    key_types jsonb,
    secret_check bytea not null,
    keys bigint not null,
    documents bigint not null,
    rejects bigint not null,
    models text not null check (models in ('keep-marked', 'refuse', 'retrain')),
    erased_at timestamp with time zone default clock_timestamp() not null,
    completed_at timestamp with time zone,
    certificate jsonb,
    primary key (erasure_id),
    foreign key(run_id) references ledger.runs (run_id)
);
create table ledger.barred_keys (
    source text not null,
    key_hash bytea not null,
    erasure_id uuid not null,
    primary key (source, key_hash, erasure_id),
    foreign key(erasure_id) references ledger.erasures (erasure_id)
);
create index ix_ledger_barred_keys_erasure_id on ledger.barred_keys (erasure_id);
create table ledger.erased_documents (
    batch_id uuid not null,
    position bigint not null,
    erasure_id uuid not null,
    primary key (batch_id, position),
    foreign key(batch_id) references ledger.batches (batch_id),
    foreign key(erasure_id) references ledger.erasures (erasure_id)
);
create index ix_ledger_erased_documents_erasure_id on ledger.erased_documents (erasure_id);
create table ledger.backups (
    backup_id uuid not null,
    run_id uuid not null,
    folder text,
    made_at timestamp with time zone default clock_timestamp() not null,
    primary key (backup_id),
    foreign key(run_id) references ledger.runs (run_id)
);
alter table ledger.rejects add column erased_by uuid references ledger.erasures (erasure_id)
"""

GRANTS = """
grant insert on ledger.erasures, ledger.barred_keys, ledger.erased_documents, ledger.backups to {keeper};
grant update (documents, rejects, models, completed_at, certificate) on ledger.erasures to {keeper};
grant delete on ledger.barred_keys, ledger.drift, ledger.backups to {keeper};
grant update (detail, pointer, bytes, fingerprint, erased_by) on ledger.rejects to {keeper};
grant update (documents) on ledger.drift to {keeper};
grant insert on ledger.erased_documents to {loader};
grant update (detail, pointer, bytes, fingerprint, erased_by) on ledger.rejects to {loader}
"""

VIEWS = """
create or replace view ledger.rejected_documents as
select
    batches.source,
    inputs.name || ':' || rejects.position as coordinate,
    rejects.reason,
    rejects.detail,
    rejects.pointer,
    rejects.bytes,
    octet_length(rejects.bytes) = rejects.length as is_complete,
    rejects.length,
    rejects.first_byte,
    rejects.fingerprint,
    inputs.input_id,
    inputs.name as input_name,
    rejects.position,
    inputs.digest,
    rejects.batch_id,
    batches.committed_at,
    rejects.replayed_by,
    inputs.replaced_at,
    rejects.is_undone,
    rejects.erased_by
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id;

create or replace view ledger.open_rejects as
select
    source,
    coordinate,
    reason,
    detail,
    pointer,
    bytes,
    is_complete,
    length,
    first_byte,
    fingerprint,
    input_id,
    input_name,
    position,
    digest,
    batch_id,
    committed_at
from ledger.rejected_documents
where replayed_by is null and replaced_at is null and not is_undone and erased_by is null;

create or replace view ledger.books as
with erased as (
    select erased_documents.batch_id, count(*) as documents
    from ledger.erased_documents
    group by erased_documents.batch_id
)
select
    batches.source,
    sum(batches.read)::bigint as read,
    sum(batches.landed)::bigint as landed,
    sum(batches.rejected)::bigint as rejected,
    sum(batches.skipped)::bigint as skipped,
    count(*) as batches,
    max(batches.committed_at) filter (where batches.landed > 0 and undone.batch_id is null) as last_landed_at,
    bool_and(batches.read = batches.landed + batches.rejected + batches.skipped) as is_balanced,
    coalesce(
        sum(batches.landed - coalesce(erased.documents, 0)) filter (where undone.batch_id is not null), 0
    )::bigint as undone,
    coalesce(sum(erased.documents), 0)::bigint as erased
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
left join ledger.undone_batches as undone on batches.batch_id = undone.batch_id
left join erased on batches.batch_id = erased.batch_id
where inputs.replaced_at is null and (undone.batch_id is null or batches.feed <> 'replay')
group by batches.source
"""

COMMENTS = {
    "ledger.rejected_documents": {"erased_by": "The erasure that emptied its bytes; null if it was not erased"},
    "ledger.books": {
        "landed": "Documents that landed, undone and erased ones included; undone replays are left out",
        "undone": "Landed documents that were undone, without those that were erased",
        "erased": "Landed documents that were erased, or that have the key of an erased one and so were not stored",
    },
}

MODELS = """
create table predictions.erased_models (
    model_id uuid not null,
    erasure_id uuid not null,
    task text not null,
    rows bigint not null,
    is_refused boolean not null,
    marked_at timestamp with time zone default clock_timestamp() not null,
    primary key (model_id, erasure_id)
);
comment on table predictions.erased_models is
    'One row per model and erasure of which the model had learnt rows; is_refused forbids to predict with it';
grant select on predictions.erased_models to {reader}
"""

# An older version may have measured with other limits: the next `score` measures again, and no alarm counts until then.
MEASURE_AGAIN = "update predictions.model_drift set scored_at = 'epoch'"


def upgrade() -> None:
    """Create the tables, the rights and the columns of views; mark measured drift as of an older version."""
    execute(TABLES)
    execute(GRANTS)
    execute(VIEWS)
    for view, columns in COMMENTS.items():
        for column, text in columns.items():
            execute(f"comment on column {view}.{column} is '{text}'")
    with acting_as("trainer"):
        execute("alter table if exists predictions.erased_models rename to predictions_of_erased_models")
        execute(MODELS)
        execute(MEASURE_AGAIN)
