"""The positions of files in the ledger: locked and advanced when batches of files are landed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.errors import Overtaken
from loader.landing.batch import FileBatch
from loader.reading.byte_ranges import START

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


class FilePositions:
    """A file's content is one input of its source, found by its digest."""

    def lock(self, cursor: Cursor, batches: Sequence[FileBatch]) -> list[FileBatch]:
        """Lock the inputs until the transaction ends; return the batches that start at their input's next position.

        New contents are inserted in the order of their digests, then rows are locked in the order of their ids, as by
        every statement that refers to them. So two loaders never wait for each other.
        """
        source = batches[0].feed.source.source
        new = [batch for batch in batches if batch.start == START]
        if new:
            _enter(cursor, source, new)
        cursor.execute(LOCK, [source, [batch.feed.input_file.digest for batch in batches]])
        next_positions = {
            digest: (UUID(input_id), next_position)
            for input_id, digest, next_position, is_complete in cursor.fetchall()
            if not is_complete
        }
        locked = []
        for batch in batches:
            input_id, next_position = next_positions.get(batch.feed.input_file.digest, (None, None))
            if input_id and next_position == batch.start.position:
                batch.input_id = input_id
                locked.append(batch)
        return locked

    def advance(self, cursor: Cursor, batches: Sequence[FileBatch]) -> None:
        """Move the inputs' next positions from the batches' starts to their ends, and add the files' names.

        Raises:
            Overtaken: another loader has advanced one of the inputs; the transaction must be rolled back.
        """
        ids = [str(batch.input_id) for batch in batches]
        cursor.execute(
            ADVANCE,
            [
                ids,
                [batch.start.position for batch in batches],
                [batch.end.position for batch in batches],
                [batch.end.byte for batch in batches],
                [batch.is_last for batch in batches],
            ],
        )
        if cursor.rowcount != len(batches):
            raise Overtaken(f"{len(batches) - cursor.rowcount} inputs were advanced by another loader; run again")
        cursor.execute(ADD_NAMES, [ids, [batch.feed.input_file.name for batch in batches]])


def _enter(cursor: Cursor, source: str, batches: Sequence[FileBatch]) -> None:
    """Insert the inputs of first batches that the ledger does not know yet."""
    files = [batch.feed.input_file for batch in batches]
    cursor.execute(
        ENTER,
        [
            source,
            [str(batch.input_id) for batch in batches],
            [file.digest for file in files],
            [file.name for file in files],
            [file.size_bytes for file in files],
            [batch.feed.pattern.layout for batch in batches],
        ],
    )
