"""Lands the messages of one poll: a batch for each partition, all in one PostgreSQL transaction."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.landing.batch import Batch
from loader.landing.chunks import fill
from loader.landing.feeds import Feed, FeedKind
from loader.landing.land import land
from loader.landing.nulls import add_null
from loader.reading.byte_ranges import InputPosition
from streaming.consuming.positions import Move, advance_offsets, lock_offsets
from streaming.errors import LedgerEmptied

LATEST_MS = 253_402_300_799_999  # the end of the year 9999: a client can set any time, or -1 for none


@dataclass(frozen=True)
class TopicFeed(Feed):
    """The messages of a topic, which all belong to one source."""

    kind: ClassVar[FeedKind] = "kafka"


TopicBatch = Batch[TopicFeed]


@dataclass(frozen=True)
class PartitionBatch:
    """The batch of one partition in a poll, and the epoch of the partition's assignment when the batch was read."""

    partition: int
    epoch: int
    batch: TopicBatch


@dataclass(frozen=True)
class BatchResult:
    """A batch that landed up to `offset`, or is lost: another consumer has moved the ledger to `offset` before."""

    entry: PartitionBatch
    is_lost: bool
    offset: int


def batch_from_records(records: Sequence[Any], feed: TopicFeed, input_id: UUID, start: int) -> TopicBatch:
    """Return the batch of a partition's records.

    A null value is a tombstone: it counts as skipped, or is landed if the source declares `tombstone: delete`.

    The batch reaches from `start` to the last record. Compaction and aborted transactions leave holes between the
    offsets, which are not losses.
    """
    batch = TopicBatch(feed, InputPosition(start, 0), input_id=input_id)
    fill(batch, ((record.offset, 0, record.value) for record in records if record.value is not None), sys.maxsize)
    if feed.source.tombstone:
        for record in records:
            if record.value is None:
                add_null(batch, record.offset, record.key)
    batch.skipped = len(records) - batch.landed - len(batch.rejects)
    batch.end = InputPosition(records[-1].offset + 1, 0)
    batch.sent_at = _sent_at(records)
    return batch


def _sent_at(records: Sequence[Any]) -> datetime | None:
    """Return the earliest of the clients' timestamps, without those that are out of range."""
    times = {record.timestamp for record in records}  # many records have the same
    possible = [time for time in times if time is not None and 0 <= time <= LATEST_MS]
    return datetime.fromtimestamp(min(possible) / 1000, UTC) if possible else None


class TopicPositions:
    """A partition is one input; its next position is an offset. `offsets` holds what the ledger had when locked."""

    def __init__(self) -> None:
        """Start without any offset."""
        self.offsets: dict[UUID, int] = {}

    def lock(self, cursor: Cursor, batches: Sequence[TopicBatch]) -> list[TopicBatch]:
        """Lock the partitions until the transaction ends; return the batches that start at their partition's offset.

        Raises:
            LedgerEmptied: the ledger does not know a partition any more.
        """
        self.offsets = lock_offsets(cursor, [batch.input_id for batch in batches])
        if any(batch.input_id not in self.offsets for batch in batches):
            raise LedgerEmptied(
                "the ledger was emptied while the consumer ran: start the consumer again, it begins at the first offset"
            )
        return [batch for batch in batches if self.offsets[batch.input_id] == batch.start.position]

    def advance(self, cursor: Cursor, batches: Sequence[TopicBatch]) -> None:
        """Move the partitions' offsets from the batches' starts to their ends.

        Raises:
            Overtaken: another consumer has advanced one of them; the transaction must be rolled back.
        """
        moves = [Move(batch.input_id, batch.start.position, batch.end.position) for batch in batches]
        advance_offsets(cursor, moves)


def land_poll(connection: Connection, entries: Sequence[PartitionBatch]) -> list[BatchResult]:
    """Land the batches that start at their partition's offset in the ledger; see `land` for the steps.

    Kafka's own offsets are committed afterwards. They are only information; the ledger decides.

    Raises:
        LedgerEmptied: the ledger does not know a partition any more; nothing was landed.
        psycopg2.Error: the server or the connection failed; either the whole poll was landed or nothing of it.
    """
    if not entries:
        return []
    positions = TopicPositions()
    landed = {batch.batch_id for batch in land(connection, [entry.batch for entry in entries], positions)}
    return [
        BatchResult(entry, is_lost=False, offset=entry.batch.end.position)
        if entry.batch.batch_id in landed
        else BatchResult(entry, is_lost=True, offset=positions.offsets[entry.batch.input_id])
        for entry in entries
    ]
