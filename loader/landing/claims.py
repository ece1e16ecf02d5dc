"""The rows of `ledger.inputs`: what is known of a content, who may land its next part, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.errors import Overtaken
from loader.landing.batch import FileBatch, FileFeed
from loader.landing.chunks import Chunk
from loader.reading.ranges import START, InputPosition
from waybill.identifiers import uuid7

KNOWN = """
select input_id, digest, layout, next_position, next_byte, is_complete
from ledger.inputs
where source = %s and digest = any(%s)
"""

# What was landed last under a name, where its content was never read to the end.
UNFINISHED = """
select name, next_position
from (
    select distinct on (names.name) names.name, inputs.next_position, inputs.is_complete
    from ledger.input_names as names
    inner join ledger.inputs on names.input_id = inputs.input_id
    where inputs.source = %s and inputs.feed = 'file' and names.name = any(%s)
    order by names.name, names.first_seen_at desc
) as latest
where not is_complete
"""

ENTER = """
insert into ledger.inputs (input_id, source, feed, digest, name, size_bytes, layout, next_byte)
select given.input_id, %s, 'file', given.digest, given.name, given.size_bytes, given.layout, 0
from unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[])
    as given (input_id, digest, name, size_bytes, layout)
order by given.digest
on conflict (source, digest) do nothing
"""

LOCK = """
select input_id, digest, next_position, is_complete
from ledger.inputs
where source = %s and digest = any(%s)
order by input_id
for update
"""

ADVANCE = """
update ledger.inputs
set next_position = given.next_position, next_byte = given.next_byte, is_complete = given.is_last
from unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[])
    as given (input_id, first_position, next_position, next_byte, is_last)
where inputs.input_id = given.input_id and inputs.next_position = given.first_position and not inputs.is_complete
"""

ADD_NAMES = """
insert into ledger.input_names (input_id, name)
select given.input_id, given.name
from unnest(%s::uuid[], %s::text[]) as given (input_id, name)
order by given.input_id, given.name
on conflict do nothing
"""

# A content that was landed before counts as read and skipped, once for each further name that it comes under.
SKIP = """
with given as (
    select * from unnest(%(batches)s::uuid[], %(inputs)s::uuid[], %(names)s::text[]) as given (batch_id, input_id, name)
),
further as (
    insert into ledger.input_names (input_id, name)
    select given.input_id, given.name from given order by given.input_id, given.name
    on conflict do nothing
    returning input_id, name
)
insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position, first_byte,
    contract_digest, read, landed, rejected, skipped)
select given.batch_id, given.input_id, %(run_id)s, inputs.source, inputs.feed, 1, inputs.next_position, 0,
    %(contract)s, before.documents, 0, 0, before.documents
from further
inner join given using (input_id, name)
inner join ledger.inputs on given.input_id = inputs.input_id
cross join lateral (
    select sum(batches.landed + batches.rejected)::bigint as documents
    from ledger.batches
    where batches.input_id = given.input_id
) as before
"""


@dataclass(frozen=True)
class KnownInput:
    """What the ledger holds of a content: where to go on, or that there is nothing left to land."""

    input_id: UUID
    layout: str
    next_place: InputPosition
    is_complete: bool


def known_inputs(cursor: Cursor, source: str, digests: Iterable[str]) -> dict[str, KnownInput]:
    """Return what is known of the contents with these digests."""
    cursor.execute(KNOWN, [source, list(digests)])
    return {
        digest: KnownInput(UUID(input_id), layout, InputPosition(position, byte), is_complete)
        for input_id, digest, layout, position, byte, is_complete in cursor.fetchall()
    }


def unfinished(cursor: Cursor, source: str, names: Iterable[str]) -> dict[str, int]:
    """Return the names under which a content was last landed in part only, with the position behind that part."""
    cursor.execute(UNFINISHED, [source, list(names)])
    return dict(cursor.fetchall())


def claim(cursor: Cursor, chunk: Chunk) -> list[tuple[FileBatch, UUID]]:
    """Lock the chunk's inputs until the transaction ends; return the parts that are still to be landed, with their ids.

    Another loader on the same content waits here, and finds its part landed when the first one has committed.
    New contents are entered in the order of their digests, then rows are locked in the order of their ids, as by all
    that refers to them, so that two loaders never wait for each other.
    """
    new = [part for part in chunk.parts if part.start == START]
    if new:
        files = [part.delivery.input_file for part in new]
        cursor.execute(
            ENTER,
            [
                chunk.source,
                [str(uuid7()) for _ in new],
                [file.digest for file in files],
                [file.name for file in files],
                [file.size_bytes for file in files],
                [part.delivery.pattern.layout for part in new],
            ],
        )
    cursor.execute(LOCK, [chunk.source, [part.delivery.input_file.digest for part in chunk.parts]])
    found = {digest: (UUID(input_id), *state) for input_id, digest, *state in cursor.fetchall()}
    claimed = []
    for part in chunk.parts:
        input_id, *state = found.get(part.delivery.input_file.digest, (None,))
        if input_id and state == [part.start.position, False]:
            claimed.append((part, input_id))
    return claimed


def advance(cursor: Cursor, claimed: list[tuple[FileBatch, UUID]]) -> None:
    """Set the inputs' next places, only if they are still where the parts begin (compare and set).

    Raises:
        Overtaken: one is not; the transaction must not be committed.
    """
    ids = [str(input_id) for _, input_id in claimed]
    parts = [part for part, _ in claimed]
    cursor.execute(
        ADVANCE,
        [
            ids,
            [part.start.position for part in parts],
            [part.end.position for part in parts],
            [part.end.byte for part in parts],
            [part.is_last for part in parts],
        ],
    )
    if cursor.rowcount != len(claimed):
        raise Overtaken(f"{len(claimed) - cursor.rowcount} inputs were advanced by another loader; run again")
    cursor.execute(ADD_NAMES, [ids, [part.delivery.input_file.name for part in parts]])


def skip(cursor: Cursor, known: list[tuple[FileFeed, UUID]]) -> None:
    """Enter the contents that are complete already as skipped, each once for every further name."""
    if not known:
        return
    first = known[0][0]
    cursor.execute(
        SKIP,
        {
            "batches": [str(uuid7()) for _ in known],
            "inputs": [str(input_id) for _, input_id in known],
            "names": [delivery.input_file.name for delivery, _ in known],
            "run_id": str(first.run_id),
            "contract": first.contract.digest,
        },
    )
