"""Layout 10: how a file was read is part of what is known of it, and a reading that landed nothing can be replaced.

Of a content's readings, one is current. A warehouse of an older layout keeps its inputs as current readings; where
their records were found is unknown (`records_at` is null), so a load takes any declared position for the same one.
"""

from __future__ import annotations

from warehouse.migrations.steps import execute

revision = "10"
down_revision = "9"

INPUTS = """
alter table ledger.inputs
    add column records_at text,
    add column is_layout_given boolean not null default false,
    add column replaced_at timestamptz,
    add column replaced_by uuid references ledger.inputs deferrable initially deferred,
    add column envelope jsonb,
    add column envelope_left_out jsonb,
    drop constraint inputs_source_digest_key,
    add constraint inputs_replaced check ((replaced_at is null) = (replaced_by is null));
update ledger.inputs set is_layout_given = true where feed = 'file';
create unique index inputs_current_reading on ledger.inputs (source, digest) where replaced_at is null;
grant update (replaced_at, replaced_by, envelope, envelope_left_out) on ledger.inputs to {loader}
"""

VIEWS = """
create or replace view ledger.named_inputs as
select
    inputs.input_id,
    inputs.source,
    inputs.feed,
    inputs.name,
    array(
        select input_names.name
        from ledger.input_names
        where input_names.input_id = inputs.input_id
        order by input_names.first_seen_at, input_names.name
    ) as names,
    inputs.digest,
    inputs.topic_id,
    inputs.partition,
    inputs.layout,
    inputs.size_bytes,
    inputs.next_position,
    inputs.next_byte,
    inputs.is_complete,
    inputs.first_seen_at,
    inputs.records_at,
    inputs.replaced_at,
    inputs.replaced_by,
    inputs.envelope,
    inputs.envelope_left_out
from ledger.inputs;

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
    inputs.replaced_at
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
inner join ledger.runs on batches.run_id = runs.run_id;

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
    inputs.replaced_at
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
where replayed_by is null and replaced_at is null;

create or replace view ledger.books as
select
    batches.source,
    sum(batches.read)::bigint as read,
    sum(batches.landed)::bigint as landed,
    sum(batches.rejected)::bigint as rejected,
    sum(batches.skipped)::bigint as skipped,
    count(*) as batches,
    max(batches.committed_at) filter (where batches.landed > 0) as last_landed_at,
    bool_and(batches.read = batches.landed + batches.rejected + batches.skipped) as is_balanced
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where inputs.replaced_at is null
group by batches.source
"""

RECORDS_AT = "JSON pointer to the records in the file; null for another layout, or if an older Waybill read the file"
REPLACED_AT = "When another reading of the same file replaced the one it belongs to; null for the current reading"
COMMENTS = {
    "view ledger.open_rejects": "One row per document that is rejected, was not replayed, and is of a current reading",
    "view ledger.books": "One row per source: documents read, landed, rejected, skipped; without replaced readings",
    "column ledger.named_inputs.records_at": RECORDS_AT,
    "column ledger.named_inputs.replaced_at": "When another reading of the file replaced it; null if it is current",
    "column ledger.named_inputs.replaced_by": "The reading of the same file that replaced it",
    "column ledger.named_inputs.envelope": "Scalar fields beside the records: JSON pointer and value",
    "column ledger.named_inputs.envelope_left_out": "JSON pointers to the fields beside the records that are not kept",
    "column ledger.named_batches.records_at": RECORDS_AT,
    "column ledger.named_batches.replaced_at": REPLACED_AT,
    "column ledger.rejected_documents.replaced_at": REPLACED_AT,
}


def upgrade() -> None:
    """Add the columns, allow several readings of a content, and leave replaced ones out of rejects and books."""
    execute(INPUTS)
    execute(VIEWS)
    for what, text in COMMENTS.items():
        execute(f"comment on {what} is '{text}'")
