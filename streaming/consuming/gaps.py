"""Gaps: documents that the log does not hold any more before we had them. Never passed over in silence."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg2.extensions import cursor as Cursor

from streaming.cluster import Topic
from streaming.consuming.positions import Position, advance, partition_name
from streaming.errors import GapFound
from waybill.identifiers import uuid7

RECORD = """
insert into ledger.gaps (gap_id, input_id, run_id, first_position, next_position, reason)
values (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Gap:
    """Offsets that cannot be had: from the one we wanted to the one where it can go on, with the reason in words."""

    first: int
    next: int
    reason: str

    @property
    def goes_back(self) -> bool:
        """Whether what comes there now would have the coordinates of what was landed already."""
        return self.next < self.first


def find_gap(position: int, begin: int, end: int) -> Gap | None:
    """Compare our position with the log's first offset and the one behind its last; None when it can go on."""
    if position < begin:
        return Gap(position, begin, f"the log begins at {begin:,} only")
    if position > end:
        return Gap(position, end, f"the log ends at {end:,} already")
    return None


def accept_or_stop(
    cursor: Cursor, topic: Topic, partition: int, found: tuple[Position, Gap], accepted_by: UUID | None
) -> int:
    """Go on behind a gap and record it when a run accepts it; return the offset after it.

    Raises:
        GapFound: nobody does, or it would go back; nothing was changed.
        Overtaken: another consumer has gone on already; the transaction must not be committed.
    """
    position, gap = found
    name = partition_name(topic.name, partition)
    if gap.goes_back:
        raise GapFound(
            f"{name}: offset {gap.first:,} comes next, but {gap.reason}: what comes there now would have the "
            "coordinates of what was landed, and `--accept-gap` does not land them twice: delete the topic, make it "
            "anew, send it what is to be landed, and `--accept-gap` begins it at its start"
        )
    if accepted_by is None:
        raise GapFound(
            f"{name}: offset {gap.first:,} comes next, but {gap.reason}: what was between is lost to us; "
            f"`--accept-gap` goes on at {gap.next:,} and records it in ledger.gaps"
        )
    if gap.next != position.offset:
        advance(cursor, [(position.input_id, position.offset, gap.next)])
    record = [str(uuid7()), str(position.input_id), str(accepted_by), gap.first, gap.next, gap.reason]
    cursor.execute(RECORD, record)
    return gap.next
