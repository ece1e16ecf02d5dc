"""The offsets of topic partitions in the ledger: find, lock and advance them (compare and set)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from loader.errors import Overtaken
from streaming.topics import Topic
from waybill.identifiers import uuid7

ENTER = """
insert into ledger.inputs (input_id, source, feed, topic_id, partition, name, next_position, next_byte)
values (%s, %s, 'kafka', %s, %s, %s, 0, 0)
on conflict (source, topic_id, partition) do nothing
"""

FIND = """
select input_id, next_position
from ledger.inputs
where source = %s and topic_id = %s and partition = %s
"""

# A topic with the same name and another id: the topic was deleted and created again, perhaps with more partitions.
# A partition that the former topic did not have counts as re-created only until the ledger knows the new topic, because
# it may also have been added to the new topic later.
FORMER = """
select former.topic_id
from ledger.inputs as former
where former.source = %(source)s and former.feed = 'kafka' and former.topic_id <> %(topic_id)s
    and former.next_position > 0 and split_part(former.name, ':', 1) = %(topic)s
    and (former.partition = %(partition)s or not exists (
        select from ledger.inputs as known
        where known.source = %(source)s and known.topic_id = %(topic_id)s and known.first_seen_at < now()
    ))
order by former.first_seen_at desc
limit 1
"""

LOCK = """
select input_id, next_position
from ledger.inputs
where input_id = any(%s::uuid[])
order by input_id
for update
"""

ADVANCE = """
update ledger.inputs
set next_position = given.next_position
from unnest(%s::uuid[], %s::bigint[], %s::bigint[]) as given (input_id, first_position, next_position)
where inputs.input_id = given.input_id and inputs.next_position = given.first_position
"""


@dataclass(frozen=True)
class Move:
    """An advance of a partition from one offset to another."""

    input_id: UUID
    first: int
    next: int


@dataclass(frozen=True)
class Position:
    """A partition in the ledger: its input, its next offset, and whether the ledger did not know it before."""

    input_id: UUID
    offset: int
    is_new: bool


def partition_name(topic: str, partition: int) -> str:
    """Return the name of a partition in coordinates."""
    return f"{topic}:{partition}"


def find_position(cursor: Cursor, source: str, topic: Topic, partition: int) -> Position:
    """Return a partition's position; insert a partition that the ledger does not know at offset 0."""
    key = [source, str(topic.topic_id), partition]
    name = partition_name(topic.name, partition)
    cursor.execute(ENTER, [str(uuid7()), *key, name])
    is_new = cursor.rowcount == 1
    cursor.execute(FIND, key)
    input_id, offset = cursor.fetchone()  # type: ignore[misc]
    if is_new:
        cursor.execute("insert into ledger.input_names (input_id, name) values (%s, %s)", [input_id, name])
    return Position(UUID(input_id), offset, is_new)


def former_topic(cursor: Cursor, source: str, topic: Topic, partition: int) -> str | None:
    """Return the id of an earlier topic of this name from which documents were landed; None if there was none."""
    named = {"source": source, "topic": topic.name, "topic_id": str(topic.topic_id), "partition": partition}
    cursor.execute(FORMER, named)
    found = cursor.fetchone()
    return found[0] if found else None


def lock_offsets(cursor: Cursor, input_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Lock partitions until the transaction ends, in the order of their ids; return the next offset of each."""
    cursor.execute(LOCK, [[str(input_id) for input_id in input_ids]])
    return {UUID(input_id): offset for input_id, offset in cursor.fetchall()}


def advance_offsets(cursor: Cursor, moves: Sequence[Move]) -> None:
    """Set each partition's next offset, if it is still the move's first offset (compare and set).

    Raises:
        Overtaken: another consumer has advanced a partition; the transaction must be rolled back.
    """
    ids = [str(move.input_id) for move in moves]
    cursor.execute(ADVANCE, [ids, [move.first for move in moves], [move.next for move in moves]])
    if cursor.rowcount != len(moves):
        raise Overtaken("a partition was advanced by another consumer; run again")
