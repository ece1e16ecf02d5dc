"""Gaps: messages that the topic's log lost before they were landed. A gap is never skipped silently."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from streaming.consuming.positions import Move, Position, advance_offsets, partition_name
from streaming.errors import GapFound
from streaming.topics import Topic
from waybill.identifiers import uuid7

RECORD = """
insert into ledger.gaps (gap_id, input_id, run_id, first_position, next_position, reason)
values (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Gap:
    """Offsets that cannot be read: from `first`, which the ledger needs next, to `next`, where reading can continue."""

    first: int
    next: int
    reason: str

    @property
    def is_backward(self) -> bool:
        """True when reading would continue before `first`: new messages would reuse coordinates already landed."""
        return self.next < self.first


@dataclass(frozen=True)
class PartitionGap:
    """A gap in one partition of a topic, with the partition's position in the ledger."""

    topic: Topic
    partition: int
    position: Position
    gap: Gap


def find_gap(offset: int, log_start: int, log_end: int) -> Gap | None:
    """Compare the next offset with the log's first offset and the one after its last; None when it can be read."""
    if offset < log_start:
        return Gap(offset, log_start, f"the log now begins at {log_start:,}")
    if offset > log_end:
        return Gap(offset, log_end, f"the log already ends at {log_end:,}")
    return None


def accept_gap(cursor: Cursor, found: PartitionGap, run_id: UUID | None) -> int:
    """Record a gap that the run accepts and advance the ledger past it; return the offset to continue at.

    Raises:
        GapFound: no run accepts the gap (`run_id` is None), or the gap is backward; nothing was changed.
        Overtaken: another consumer has advanced the partition; the transaction must not be committed.
    """
    gap, position = found.gap, found.position
    name = partition_name(found.topic.name, found.partition)
    if gap.is_backward:
        raise GapFound(
            f"{name}: offset {gap.first:,} comes next, but {gap.reason}: new messages would have the coordinates of "
            "messages that were landed, and `--accept-gap` does not land a coordinate twice: delete the topic, "
            "create it again, send the messages that are still to be landed, and run with `--accept-gap`, which begins "
            "at the start of the new topic"
        )
    if run_id is None:
        raise GapFound(
            f"{name}: offset {gap.first:,} comes next, but {gap.reason}: the messages between cannot be landed any "
            f"more; `--accept-gap` continues at {gap.next:,} and records the gap in ledger.gaps"
        )
    if gap.next != position.offset:
        advance_offsets(cursor, [Move(position.input_id, position.offset, gap.next)])
    record = [str(uuid7()), str(position.input_id), str(run_id), gap.first, gap.next, gap.reason]
    cursor.execute(RECORD, record)
    return gap.next
