"""Reads a topic with a client that shares no code with the consumer, and compares the ledger with it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from tests.crash.messages import fingerprint, outcome
from tests.support.databases import rows
from tests.support.kafka.independent_client import read_topic

Coordinate = tuple[int, int]  # partition and offset

LANDED = """
select inputs.partition, raw._position, raw._fingerprint
from raw.things as raw
inner join ledger.batches on raw._batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where inputs.name like %s
"""
REJECTED = """
select inputs.partition, rejects.position, rejects.reason, rejects.bytes, rejects.fingerprint
from ledger.rejects
inner join ledger.batches on rejects.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
where inputs.name like %s
"""
BATCHES = """
select inputs.partition, batches.first_position, batches.next_position, batches.read, batches.skipped
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where inputs.name like %s
order by 1, 2
"""
GAPS = """
select inputs.partition, gaps.first_position, gaps.next_position
from ledger.gaps
inner join ledger.inputs on gaps.input_id = inputs.input_id
where inputs.name like %s
order by 1, 2
"""
POSITIONS = "select partition, next_position from ledger.inputs where name like %s"


class Rejected(NamedTuple):
    """A reject in the ledger."""

    at: Coordinate
    reason: str
    raw: memoryview
    fingerprint: str


@dataclass
class ObservedTopic:
    """Everything that was read from a topic (`seen`), and the coordinates that it held at the last read (`held`)."""

    server: str
    name: str
    is_compacted: bool = False
    seen: dict[Coordinate, bytes | None] = field(default_factory=dict)
    held: set[Coordinate] = field(default_factory=set)
    sent: set[bytes] = field(default_factory=set)

    def read(self) -> None:
        """Read the committed messages that the topic holds now."""
        self.held = set()
        for partition, offset, value in read_topic(self.server, self.name):
            self.held.add((partition, offset))
            self.seen[partition, offset] = value

    @property
    def ends(self) -> dict[int, int]:
        """Partition → the offset after its last message."""
        ends: dict[int, int] = {}
        for partition, offset in self.seen:
            ends[partition] = max(ends.get(partition, 0), offset + 1)
        return ends

    def positions(self) -> dict[int, int]:
        """Return partition → the next offset in the ledger."""
        return dict(rows(POSITIONS, f"{self.name}:%"))

    def compare(self, totals: Counter[str]) -> None:
        """Compare raw rows, rejects, tombstones and gaps with the topic; add counts and problems to the totals."""
        name = f"{self.name}:%"
        landed = [((partition, offset), mark) for partition, offset, mark in rows(LANDED, name)]
        rejected = [Rejected((partition, offset), *rest) for partition, offset, *rest in rows(REJECTED, name)]
        gaps = rows(GAPS, name)
        lost_in_gaps = {coordinate for coordinate in self.seen if _is_in_gap(coordinate, gaps)}
        expected = {at: outcome(value) for at, value in self.seen.items() if at not in lost_in_gaps}
        documents = {at for at, what in expected.items() if what != "tombstone"}
        in_ledger = Counter([at for at, _ in landed] + [reject.at for reject in rejected])
        totals["messages"] += len(self.seen)
        totals["landed"] += len(landed)
        totals["rejected"] += len(rejected)
        totals["tombstones"] += len(expected) - len(documents)
        totals["lost in accepted gaps"] += len(lost_in_gaps)
        totals["gaps that hide messages"] += len(lost_in_gaps & self.held)
        # compaction may have removed a message that was seen before any consumer could read it
        required = documents & self.held if self.is_compacted else documents
        totals["lost"] += len(required - set(in_ledger))
        totals["doubled"] += in_ledger.total() - len(in_ledger)
        self._compare_landed(landed, expected, totals)
        self._compare_rejected(rejected, expected, totals)
        self._compare_batches(rows(BATCHES, name), totals)

    def _compare_landed(
        self, landed: list[tuple[Coordinate, str]], expected: dict[Coordinate, str], totals: Counter[str]
    ) -> None:
        """Each landed row must be a message that was to be landed, with the message's fingerprint."""
        totals["landed wrong"] += sum(
            expected.get(at, "landed") != "landed" or (at in expected and mark != _mark(self.seen[at] or b""))
            for at, mark in landed
        )
        totals["landed, not in the topic"] += self._count_unknown([mark for at, mark in landed if at not in expected])

    def _compare_rejected(
        self, rejected: list[Rejected], expected: dict[Coordinate, str], totals: Counter[str]
    ) -> None:
        """Each reject must have the expected reason and the message's bytes."""
        totals["rejected wrong"] += sum(
            expected[reject.at] != reject.reason or bytes(reject.raw) != self.seen[reject.at]
            for reject in rejected
            if reject.at in expected
        )
        unseen = [reject.fingerprint for reject in rejected if reject.at not in expected]
        totals["landed, not in the topic"] += self._count_unknown(unseen)

    def _count_unknown(self, marks: list[str]) -> int:
        """Count the fingerprints of documents that were never seen; a compacted topic may have removed what was sent."""
        known = {_mark(value) for value in self.sent} if self.is_compacted else set()
        return sum(mark not in known for mark in marks)

    def _compare_batches(self, batches: list[tuple[int, int, int, int, int]], totals: Counter[str]) -> None:
        """A partition's batches must not overlap, and each must have read what the topic has in its range."""
        ends: dict[int, int] = {}
        coordinates = sorted(self.held if self.is_compacted else self.seen)
        for partition, first, end, read, skipped in batches:
            totals["batches"] += 1
            totals["batches that overlap"] += first < ends.get(partition, 0)
            ends[partition] = end
            inside = coordinates[
                bisect_left(coordinates, (partition, first)) : bisect_left(coordinates, (partition, end))
            ]
            nulls = sum(self.seen[coordinate] is None for coordinate in inside)
            is_exact = (read, skipped) == (len(inside), nulls)
            is_enough = read >= len(inside) and skipped >= nulls
            totals["batches with wrong counts"] += not (is_enough if self.is_compacted else is_exact)


def _is_in_gap(coordinate: Coordinate, gaps: list[tuple[int, int, int]]) -> bool:
    partition, offset = coordinate
    return any(partition == number and first <= offset < end for number, first, end in gaps)


def _mark(value: bytes) -> str:
    return str(UUID(bytes=fingerprint(value)))
