"""The positions of files in the ledger: locked and advanced when batches of files are landed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.errors import Overtaken
from loader.landing.batch import FileBatch
from loader.landing.undone_ranges import advance_undone_ranges, lock_undone_ranges
from loader.reading.byte_ranges import START
from loader.reading.readings import Reading

LOCK_READINGS = "select from ledger.inputs where input_id = any(%s::uuid[]) order by input_id for update"

REPLACE = """
update ledger.inputs
set replaced_at = clock_timestamp(), replaced_by = given.input_id
from unnest(%s::uuid[], %s::uuid[]) as given (replaced_id, input_id)
where inputs.input_id = given.replaced_id and inputs.replaced_at is null and not exists (
    select from ledger.batches
    where
        batches.input_id = inputs.input_id
        and batches.landed > 0
        and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
)
"""

ENTER = """
insert into ledger.inputs
    (input_id, source, feed, digest, name, size_bytes, layout, records_at, is_layout_given, next_byte)
select given.input_id, %s, 'file', given.digest, given.name, given.size_bytes, given.layout, given.records_at,
    given.is_layout_given, 0
from unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::boolean[])
    as given (input_id, digest, name, size_bytes, layout, records_at, is_layout_given)
order by given.digest
on conflict (source, digest) where replaced_at is null do nothing
"""

LOCK = """
select input_id, digest, layout, records_at, next_position
from ledger.inputs
where source = %s and digest = any(%s) and replaced_at is null and not is_complete
order by input_id
for update
"""

ADVANCE = """
update ledger.inputs
set next_position = given.next_position, next_byte = given.next_byte, is_complete = given.is_last,
    envelope = nullif(coalesce(inputs.envelope, '{}') || coalesce(given.envelope, '{}'), '{}'),
    envelope_left_out
        = nullif(coalesce(inputs.envelope_left_out, '[]') || coalesce(given.envelope_left_out, '[]'), '[]')
from unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[], %s::jsonb[], %s::jsonb[])
    as given (input_id, first_position, next_position, next_byte, is_last, envelope, envelope_left_out)
where inputs.input_id = given.input_id and inputs.next_position = given.first_position and not inputs.is_complete
"""

ADD_NAMES = """
insert into ledger.input_names (input_id, name)
select given.input_id, given.name
from unnest(%s::uuid[], %s::text[]) as given (input_id, name)
order by given.input_id, given.name
on conflict do nothing
"""


class FilePositions:
    """A reading of a file's content is one input of its source, found by its digest."""

    def lock(self, cursor: Cursor, batches: Sequence[FileBatch]) -> list[FileBatch]:
        """Lock the inputs until the transaction ends; return the batches that start at their input's next position.

        New contents are inserted in the order of their digests, then rows are locked in the order of their ids, as by
        every statement that refers to them, then the undone ranges. So two loaders never wait for each other.
        """
        source = batches[0].feed.source.source
        first_reading = [batch for batch in batches if not batch.feed.undone]
        new = [batch for batch in first_reading if batch.start == START]
        if new:
            _replace(cursor, new)
            _enter(cursor, source, new)
        cursor.execute(LOCK, [source, [batch.feed.input_file.digest for batch in batches]])
        found = {
            digest: (UUID(input_id), Reading(layout, records_at), next_position)
            for input_id, digest, layout, records_at, next_position in cursor.fetchall()
        }
        locked = lock_undone_ranges(cursor, batches)
        for batch in first_reading:
            if batch.feed.input_file.digest not in found:
                continue
            input_id, reading, next_position = found[batch.feed.input_file.digest]
            if reading.allows(batch.feed.reading) and next_position == batch.start.position:
                batch.input_id = input_id
                locked.append(batch)
        return locked

    def advance(self, cursor: Cursor, batches: Sequence[FileBatch]) -> None:
        """Move the inputs' next positions from the batches' starts to their ends, and add the files' names.

        Raises:
            Overtaken: another loader has advanced one of the inputs; the transaction must be rolled back.
        """
        advance_undone_ranges(cursor, batches)
        names = [batch.feed.input_file.name for batch in batches]
        cursor.execute(ADD_NAMES, [[str(batch.input_id) for batch in batches], names])
        batches = [batch for batch in batches if not batch.feed.undone]
        cursor.execute(
            ADVANCE,
            [
                [str(batch.input_id) for batch in batches],
                [batch.start.position for batch in batches],
                [batch.end.position for batch in batches],
                [batch.end.byte for batch in batches],
                [batch.is_last for batch in batches],
                [batch.envelope[0] for batch in batches],
                [batch.envelope[1] for batch in batches],
            ],
        )
        if cursor.rowcount != len(batches):
            raise Overtaken(f"{len(batches) - cursor.rowcount} inputs were advanced by another loader; run again")


def _replace(cursor: Cursor, batches: Sequence[FileBatch]) -> None:
    """Replace the earlier readings that landed nothing. One that another process has landed from meanwhile stays.

    A batch that lands from a reading refers to its row and so waits for this lock.
    """
    replaced = {str(batch.feed.replaces): str(batch.input_id) for batch in batches if batch.feed.replaces}
    if replaced:
        cursor.execute(LOCK_READINGS, [list(replaced)])
        cursor.execute(REPLACE, [list(replaced), list(replaced.values())])


def _enter(cursor: Cursor, source: str, batches: Sequence[FileBatch]) -> None:
    """Insert the inputs of first batches that the ledger does not know yet."""
    feeds = [batch.feed for batch in batches]
    cursor.execute(
        ENTER,
        [
            source,
            [str(batch.input_id) for batch in batches],
            [feed.input_file.digest for feed in feeds],
            [feed.input_file.name for feed in feeds],
            [feed.input_file.size_bytes for feed in feeds],
            [feed.reading.layout for feed in feeds],
            [feed.reading.records_at for feed in feeds],
            [feed.is_layout_given for feed in feeds],
        ],
    )
