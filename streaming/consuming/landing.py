"""Lands what one poll brought: a batch a partition, all in one PostgreSQL transaction, by the loader's own writer."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg2.extensions import connection as Connection

from loader.checking.checks import Checker
from loader.checking.contracts import Contract
from loader.declarations import Source
from loader.landing.batch import Batch
from loader.landing.chunks import fill
from loader.landing.land import write_books, write_documents
from loader.landing.refused import DOCUMENT_ERRORS, ask_which
from loader.reading.ranges import InputPosition
from streaming.consuming.positions import advance, lock_positions
from streaming.errors import LedgerEmptied

LATEST_MS = 253_402_300_799_999  # the end of the year 9999; a client may set any time, or -1 for none


@dataclass(frozen=True)
class TopicFeed:
    """Of which source a topic's messages are, by which contract they are checked, and which run lands them."""

    source: Source
    contract: Contract
    max_bytes: int
    run_id: UUID
    feed: str = "kafka"

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for the messages that counts unknown fields."""
        return Checker(self.contract, self.max_bytes, drift)


@dataclass(frozen=True)
class Range:
    """The batch of one partition in a poll; `epoch` tells whether the consumer has sought elsewhere since."""

    partition: int
    epoch: int
    input_id: UUID
    part: Batch[TopicFeed]


@dataclass(frozen=True)
class Landed:
    """What became of a range: landed up to an offset, or lost, since the ledger is at another offset already."""

    range: Range
    is_lost: bool
    offset: int


def part_of(records: Sequence[Any], origin: TopicFeed, start: int) -> Batch[TopicFeed]:
    """Make one batch of a partition's records; a null value is skipped as a tombstone.

    It reaches from `start` to the last record: compaction and aborted transactions leave holes, which are no loss.
    """
    part = Batch(origin, InputPosition(start, 0))
    fill(part, ((record.offset, 0, record.value) for record in records if record.value is not None), sys.maxsize)
    part.skipped = len(records) - part.landed - len(part.rejects)
    part.end = InputPosition(records[-1].offset + 1, 0)
    part.sent_at = _sent_at(records)
    return part


def _sent_at(records: Sequence[Any]) -> datetime | None:
    """Return the earliest time that a client gave, among those that can be one."""
    times = [record.timestamp for record in records if record.timestamp is not None]
    possible = [time for time in times if 0 <= time <= LATEST_MS]
    return datetime.fromtimestamp(min(possible) / 1000, UTC) if possible else None


def land(connection: Connection, ranges: Sequence[Range]) -> list[Landed]:
    """Land the ranges whose partitions are still where they begin, whoever else tries at the same time.

    The steps of the one transaction:
    1. lock the partitions in the ledger; a range that begins elsewhere is lost and left out,
    2. COPY the documents,
    3. COPY batches, rejects and drift,
    4. advance the partitions' offsets, only from where the ranges begin,
    5. commit. Kafka's own offsets are committed afterwards, and mean nothing here.

    When PostgreSQL refuses a document that Python took, it is asked which, and the others are landed.

    Raises:
        LedgerEmptied: the ledger does not know a partition any more; nothing was landed.
        psycopg2.Error: the server or the way to it failed; nothing of the poll was landed, or all of it.
    """
    try:
        return _land(connection, ranges)
    except DOCUMENT_ERRORS:
        with connection, connection.cursor() as cursor:
            ask_which(cursor, [entry.part for entry in ranges])
        return _land(connection, ranges)


def _land(connection: Connection, ranges: Sequence[Range]) -> list[Landed]:
    with connection, connection.cursor() as cursor:  # 5.
        at = lock_positions(cursor, [entry.input_id for entry in ranges])  # 1.
        if any(entry.input_id not in at for entry in ranges):
            raise LedgerEmptied("the ledger was emptied while the consumer ran: start it again, it begins anew")
        mine = [entry for entry in ranges if at[entry.input_id] == entry.part.start.position]
        claimed = [(entry.part, entry.input_id) for entry in mine]
        if claimed:
            write_documents(cursor, mine[0].part.delivery.source.source, claimed)  # 2.
            write_books(cursor, claimed)  # 3.
            moves = [(input_id, part.start.position, part.end.position) for part, input_id in claimed]
            advance(cursor, moves)  # 4.
    return [
        Landed(entry, entry not in mine, entry.part.end.position if entry in mine else at[entry.input_id])
        for entry in ranges
    ]
