"""Layout 7: views over the ledger with names and coordinates, for queries in Waybill's code and for users in psql."""

from __future__ import annotations

from warehouse.migrations.steps import execute

revision = "7"
down_revision = "6"

VIEWS = """
create view ledger.named_inputs as
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
    inputs.first_seen_at
from ledger.inputs;

create view ledger.named_batches as
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
    runs.command
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
inner join ledger.runs on batches.run_id = runs.run_id;

create view ledger.rejected_documents as
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
    rejects.replayed_by
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id;

create view ledger.open_rejects as
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
where replayed_by is null;

create view ledger.unknown_fields as
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
group by batches.source, drift.pointer, drift.json_type;

create view ledger.books as
select
    source,
    sum(read)::bigint as read,
    sum(landed)::bigint as landed,
    sum(rejected)::bigint as rejected,
    sum(skipped)::bigint as skipped,
    count(*) as batches,
    max(committed_at) filter (where landed > 0) as last_landed_at,
    bool_and(read = landed + rejected + skipped) as is_balanced
from ledger.batches
group by source
"""

# view → what one row is
VIEW_COMMENTS = {
    "ledger.named_inputs": "One row per input (file content or topic partition), with every name it came under",
    "ledger.named_batches": "One row per batch, with the name of its input and the command that landed it",
    "ledger.rejected_documents": "One row per document that was ever rejected, with its coordinate",
    "ledger.open_rejects": "One row per document that is rejected and has not been replayed",
    "ledger.unknown_fields": "One row per source, field and type in documents that the contract does not name",
    "ledger.books": "One row per source: how many documents were read, landed, rejected and skipped",
}

REJECT_COLUMNS = {
    "source": "The kind of document it was read as",
    "coordinate": "Input and position, as `why` takes it",
    "reason": "Why it was rejected, one word of a closed list",
    "detail": "Why it was rejected, as a sentence",
    "pointer": "JSON pointer to the field that breaks the contract",
    "bytes": "Its bytes, or their beginning",
    "is_complete": "Whether bytes holds all of them",
    "length": "How many bytes it has",
    "first_byte": "Where it begins in the decompressed content of its input",
    "fingerprint": "128-bit BLAKE2b of all its bytes",
    "input_id": "The input it came from",
    "input_name": "The name of that input: a path, or topic:partition",
    "position": "Its position in that input: a line, a number in the array, or an offset",
    "digest": "BLAKE2b-256 of the file it came from; null for a topic",
    "batch_id": "The batch that rejected it",
    "committed_at": "When it was rejected",
}

# view → column → what it holds
COLUMN_COMMENTS = {
    "ledger.named_inputs": {
        "input_id": "The input",
        "source": "The kind of documents it holds",
        "feed": "file or kafka",
        "name": "The name it was first loaded under: a path, or topic:partition",
        "names": "All names it was seen under, the first one first",
        "digest": "BLAKE2b-256 of the file as delivered; null for a topic",
        "topic_id": "The topic's id in Kafka; null for a file",
        "partition": "The topic's partition; null for a file",
        "layout": "How the file was read: ndjson, array, records or document; null for a topic",
        "size_bytes": "Size of the file as delivered; null for a topic",
        "next_position": "The position that the next batch begins with",
        "next_byte": "The byte of the decompressed content that the next batch begins with",
        "is_complete": "Whether it was read to its end",
        "first_seen_at": "When its first batch was committed",
    },
    "ledger.named_batches": {
        "batch_id": "The batch",
        "source": "The kind of documents it holds",
        "feed": "file, kafka or replay",
        "input_id": "The input that it is a range of",
        "input_name": "The name the input was first loaded under: a path, or topic:partition",
        "digest": "BLAKE2b-256 of the file as delivered; null for a topic",
        "topic_id": "The topic's id in Kafka; null for a file",
        "partition": "The topic's partition; null for a file",
        "layout": "How the file was read: ndjson, array, records or document; null for a topic",
        "first_position": "The position it begins with",
        "next_position": "The position after its last one",
        "first_byte": "The byte of the decompressed content it begins with; null for a topic",
        "read": "Documents read; 0 for a replay",
        "landed": "Documents written to the raw table",
        "rejected": "Documents rejected; negative for a replay, which turns rejects into landed documents",
        "skipped": "Documents that had landed before, and messages without a value",
        "sent_at": "When the oldest message of the batch was sent; null for a file",
        "committed_at": "When it was committed",
        "run_id": "The run that landed it",
        "command": "The command of that run",
    },
    "ledger.rejected_documents": {
        **REJECT_COLUMNS,
        "replayed_by": "The batch that landed it later; null while it is an open reject",
    },
    "ledger.open_rejects": REJECT_COLUMNS,
    "ledger.unknown_fields": {
        "source": "The source whose documents have the field",
        "pointer": "JSON pointer to the field",
        "json_type": "The type of its values",
        "documents": "How many documents have it",
        "first_at": "When the first batch with it was committed",
        "last_at": "When the last batch with it was committed",
        "first_input": "The input of that first batch",
    },
    "ledger.books": {
        "source": "The source",
        "read": "Documents read",
        "landed": "Documents written to the raw table",
        "rejected": "Documents rejected and not replayed",
        "skipped": "Documents that had landed before, and messages without a value",
        "batches": "Batches committed",
        "last_landed_at": "When the last batch that landed a document was committed",
        "is_balanced": "Whether read = landed + rejected + skipped in every batch",
    },
}


def upgrade() -> None:
    """Create the views and describe each of them and its columns."""
    execute(VIEWS)
    for view, comment in VIEW_COMMENTS.items():
        execute(f"comment on view {view} is {_literal(comment)}")
        for column, text in COLUMN_COMMENTS[view].items():
            execute(f"comment on column {view}.{column} is {_literal(text)}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
