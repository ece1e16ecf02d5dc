"""Looks up what the ledger already holds of a source's files, and records known contents under further names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.landing.feeds import FileFeed, UndoneRange
from loader.landing.undone_ranges import find_undone_ranges
from loader.reading.byte_ranges import InputPosition
from loader.reading.readings import Reading
from waybill.identifiers import uuid7

KNOWN = """
select input_id, digest, name, layout, records_at, is_layout_given, next_position, next_byte, is_complete,
    (
        select coalesce(sum(batches.landed), 0)::bigint
        from ledger.batches
        where
            batches.input_id = inputs.input_id
            and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
    ) as landed
from ledger.inputs
where source = %s and digest = any(%s) and replaced_at is null
"""

# Names whose latest content was never landed to its end.
UNFINISHED = """
select name, next_position
from (
    select distinct on (names.name) names.name, inputs.next_position, inputs.is_complete
    from ledger.input_names as names
    inner join ledger.inputs on names.input_id = inputs.input_id
    where inputs.source = %s and inputs.feed = 'file' and inputs.replaced_at is null and names.name = any(%s)
    order by names.name, names.first_seen_at desc
) as latest
where not is_complete
"""

# A content that was landed before counts as read and skipped, once for each further name that it has.
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
    where
        batches.input_id = given.input_id
        and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
) as before
"""


@dataclass(frozen=True, slots=True)
class KnownInput:
    """What the ledger holds of a content: its current reading, where that resumes, and what was landed and not undone.

    `name` is the file's name when it was first read so. `is_complete` is true if it was read to its end. `undone` are
    the ranges before the next position that have to be read again.
    """

    input_id: UUID
    name: str
    reading: Reading
    is_layout_given: bool
    next_position: InputPosition
    is_complete: bool
    landed: int
    undone: list[UndoneRange]

    @property
    def has_unread(self) -> bool:
        """True if a part of the content has not been read, or was undone."""
        return bool(self.undone) or not self.is_complete

    def is_read_as(self, wanted: Reading) -> bool:
        """Return whether this is the wanted reading. An unknown pointer is taken for it if documents were landed."""
        return self.reading == wanted or (self.landed > 0 and self.reading.allows(wanted))


def find_known_inputs(cursor: Cursor, source: str, digests: Iterable[str]) -> dict[str, KnownInput]:
    """Return the current readings of a source's contents that the ledger knows, by digest."""
    cursor.execute(KNOWN, [source, list(digests)])
    found = [(UUID(input_id), *values) for input_id, *values in cursor.fetchall()]
    undone = find_undone_ranges(cursor, [input_id for input_id, *_ in found])
    return {
        digest: KnownInput(
            input_id,
            name,
            Reading(layout, records_at),
            is_given,
            InputPosition(position, byte),
            complete,
            landed,
            undone.get(input_id, []),
        )
        for input_id, digest, name, layout, records_at, is_given, position, byte, complete, landed in found
    }


def find_unfinished(cursor: Cursor, source: str, names: Iterable[str]) -> dict[str, int]:
    """Return the names whose latest content was landed only in part, with the next position of that content."""
    cursor.execute(UNFINISHED, [source, list(names)])
    return dict(cursor.fetchall())


def record_skipped(cursor: Cursor, feeds: Sequence[FileFeed], known: dict[str, KnownInput]) -> None:
    """Record contents that are complete in the ledger as skipped, once for each further name."""
    if not feeds:
        return
    cursor.execute(
        SKIP,
        {
            "batches": [str(uuid7()) for _ in feeds],
            "inputs": [str(known[feed.input_file.digest].input_id) for feed in feeds],
            "names": [feed.input_file.name for feed in feeds],
            "run_id": str(feeds[0].run_id),
            "contract": feeds[0].contract.digest,
        },
    )
