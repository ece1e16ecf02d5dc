"""The ranges of undone batches, which loading their file again reads and lands as new batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.errors import Overtaken
from loader.landing.batch import FileBatch
from loader.landing.feeds import UndoneRange
from loader.reading.byte_ranges import InputPosition

FIND = """
select undone.batch_id, batches.input_id, undone.reload_position, undone.reload_byte, batches.next_position
from ledger.undone_batches as undone
inner join ledger.batches on undone.batch_id = batches.batch_id
where batches.input_id = any(%s::uuid[]) and undone.reload_position < batches.next_position
order by batches.first_position
"""

LOCK = """
select undone.batch_id, undone.reload_position
from ledger.undone_batches as undone
inner join ledger.batches on undone.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where undone.batch_id = any(%s::uuid[]) and inputs.replaced_at is null
order by undone.batch_id
for update of undone
for key share of inputs
"""

ADVANCE = """
update ledger.undone_batches as undone
set reload_position = given.next_position, reload_byte = given.next_byte
from unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[])
    as given (batch_id, first_position, next_position, next_byte)
where undone.batch_id = given.batch_id and undone.reload_position = given.first_position
"""


def join_ranges(ranges: Iterable[UndoneRange]) -> list[tuple[UndoneRange, ...]]:
    """Return groups of ranges, in the order of their positions, that follow each other without a gap."""
    groups: list[tuple[UndoneRange, ...]] = []
    for undone in ranges:
        if groups and groups[-1][-1].end == undone.start.position:
            groups[-1] += (undone,)
        else:
            groups.append((undone,))
    return groups


def find_undone_ranges(cursor: Cursor, input_ids: Iterable[UUID]) -> dict[UUID, list[UndoneRange]]:
    """Return input → its undone ranges that were not landed again, in the order of their positions."""
    cursor.execute(FIND, [[str(input_id) for input_id in input_ids]])
    found: dict[UUID, list[UndoneRange]] = {}
    for batch_id, input_id, position, byte, end in cursor.fetchall():
        undone = UndoneRange(UUID(batch_id), UUID(input_id), InputPosition(position, byte), end)
        found.setdefault(undone.input_id, []).append(undone)
    return found


def lock_undone_ranges(cursor: Cursor, batches: Sequence[FileBatch]) -> list[FileBatch]:
    """Lock the batches' ranges until the transaction ends; return the batches that start where their range continues.

    Batches of no undone range are left out.
    """
    again = [(batch, undone) for batch in batches for undone in batch.feed.undone]
    if not again:
        return []
    cursor.execute(LOCK, [[str(undone.batch_id) for _, undone in again]])
    positions = {UUID(batch_id): position for batch_id, position in cursor.fetchall()}
    locked = []
    for batch, undone in again:
        if positions.get(undone.batch_id) == batch.start.position:
            batch.input_id = undone.input_id
            locked.append(batch)
    return locked


def advance_undone_ranges(cursor: Cursor, batches: Sequence[FileBatch]) -> None:
    """Move each range from its batch's start to its batch's end, or to the range's end for its last batch.

    Raises:
        Overtaken: another loader has advanced one of the ranges; the transaction must be rolled back.
    """
    again = [(batch, undone) for batch in batches for undone in batch.feed.undone]
    if not again:
        return
    ids = [str(undone.batch_id) for _, undone in again]
    starts = [batch.start.position for batch, _ in again]
    ends = [undone.end if batch.is_last else batch.end.position for batch, undone in again]
    cursor.execute(ADVANCE, [ids, starts, ends, [batch.end.byte for batch, _ in again]])
    if cursor.rowcount != len(again):
        raise Overtaken(f"{len(again) - cursor.rowcount} ranges were landed by another loader; run again")
