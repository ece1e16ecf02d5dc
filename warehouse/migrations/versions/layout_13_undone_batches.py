"""Layout 13: batches can be undone. The ledger keeps the batch, and who undid it, when and why.

The role keeper deletes raw rows and records what it undid; no other role can. A batch of a file has a
`reload_position`: the loader moves it forward while it lands the range again, as it does with an input's position.
"""

from __future__ import annotations

from warehouse.migrations.steps import execute

revision = "13"
down_revision = "12"

TABLE = """
create table ledger.undone_batches (
    batch_id uuid not null,
    undo_id uuid not null,
    run_id uuid not null,
    undone_at timestamp with time zone default clock_timestamp() not null,
    undone_by text not null,
    reason text,
    documents bigint not null,
    closed_rejects bigint not null,
    opened_rejects bigint not null,
    reload_position bigint,
    reload_byte bigint,
    primary key (batch_id),
    unique (undo_id),
    foreign key(batch_id) references ledger.batches (batch_id),
    foreign key(run_id) references ledger.runs (run_id)
);
alter table ledger.rejects add column is_undone boolean default false not null
"""

GRANTS = """
grant usage on schema raw, ledger to {keeper};
grant select, delete on all tables in schema raw to {keeper};
alter default privileges in schema raw grant select, delete on tables to {keeper};
grant select on all tables in schema ledger to {keeper};
alter default privileges in schema ledger grant select on tables to {keeper};
grant insert on ledger.undone_batches to {keeper};
grant update (replayed_by, is_undone) on ledger.rejects to {keeper};
grant update (reload_position, reload_byte) on ledger.undone_batches to {loader}
"""

VIEWS = """
create or replace view ledger.named_batches as
select
    batches.batch_id,
    batches.source,
    batches.feed,
    batches.input_id,
    inputs.name as input_name,
    inputs.digest,
    inputs.topic_id,
    inputs.partition,
    inputs.layout,
    batches.first_position,
    batches.next_position,
    batches.first_byte,
    batches.read,
    batches.landed,
    batches.rejected,
    batches.skipped,
    batches.sent_at,
    batches.committed_at,
    batches.run_id,
    runs.command,
    inputs.records_at,
    inputs.replaced_at,
    undone.undone_at,
    undone.undone_by,
    undone.reason as undone_reason,
    undone.run_id as undone_run_id,
    undone.reload_position = batches.next_position as is_reloaded
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
inner join ledger.runs on batches.run_id = runs.run_id
left join ledger.undone_batches as undone on batches.batch_id = undone.batch_id;

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
    rejects.is_undone
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
where replayed_by is null and replaced_at is null and not is_undone;

create or replace view ledger.unknown_fields as
select
    batches.source,
    drift.pointer,
    drift.json_type,
    sum(drift.documents)::bigint as documents,
    min(batches.committed_at) as first_at,
    max(batches.committed_at) as last_at,
    (array_agg(inputs.name order by batches.committed_at, inputs.name))[1] as first_input
from ledger.drift
inner join ledger.batches on drift.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where not exists (select from ledger.undone_batches as undone where undone.batch_id = drift.batch_id)
group by batches.source, drift.pointer, drift.json_type;

create or replace view ledger.books as
select
    batches.source,
    sum(batches.read)::bigint as read,
    sum(batches.landed)::bigint as landed,
    sum(batches.rejected)::bigint as rejected,
    sum(batches.skipped)::bigint as skipped,
    count(*) as batches,
    max(batches.committed_at) filter (where batches.landed > 0 and undone.batch_id is null) as last_landed_at,
    bool_and(batches.read = batches.landed + batches.rejected + batches.skipped) as is_balanced,
    coalesce(sum(batches.landed) filter (where undone.batch_id is not null), 0)::bigint as undone
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
left join ledger.undone_batches as undone on batches.batch_id = undone.batch_id
where inputs.replaced_at is null and (undone.batch_id is null or batches.feed <> 'replay')
group by batches.source
"""

COMMENTS = {
    "ledger.named_batches": {
        "undone_at": "When it was undone; null if it was not",
        "undone_by": "Who undid it: user and machine",
        "undone_reason": "Why it was undone, if somebody said so",
        "undone_run_id": "The run that undid it",
        "is_reloaded": "Whether its range of the file was loaded again since; null without such a range",
    },
    "ledger.rejected_documents": {"is_undone": "Whether its batch was undone, which closed it"},
    "ledger.books": {
        "landed": "Documents written to the raw table, undone ones included; undone replays are left out",
        "rejected": "Documents rejected and not replayed, those of undone batches included",
        "undone": "Landed documents that were undone: their rows are gone from the raw table",
    },
}


def upgrade() -> None:
    """Create the table, the role's rights and the views' columns."""
    execute(TABLE)
    execute(GRANTS)
    execute(VIEWS)
    for view, columns in COMMENTS.items():
        for column, text in columns.items():
            execute(f"comment on column {view}.{column} is '{text}'")
