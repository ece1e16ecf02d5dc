"""What a topic holds, read by a client of its own, and the ledger held against it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from tests.crash.traffic import fingerprint, outcome
from tests.support.databases import rows
from tests.support.kafka.independent_client import read_topic

InputPosition = tuple[int, int]  # partition and offset

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


@dataclass
class Topic:
    """All that was seen in a topic, and the places that the last look found held; `forgets` when it drops some by itself."""

    server: str
    name: str
    forgets: bool = False
    seen: dict[InputPosition, bytes | None] = field(default_factory=dict)
    held: set[InputPosition] = field(default_factory=set)
    sent: set[bytes] = field(default_factory=set)

    def read(self) -> None:
        """Add what committed messages the topic holds now."""
        self.held = set()
        for partition, offset, value in read_topic(self.server, self.name):
            self.held.add((partition, offset))
            self.seen[partition, offset] = value

    @property
    def ends(self) -> dict[int, int]:
        """Partition → the offset behind its last message."""
        ends: dict[int, int] = {}
        for partition, offset in self.seen:
            ends[partition] = max(ends.get(partition, 0), offset + 1)
        return ends

    def positions(self) -> dict[int, int]:
        """Partition → the offset that the ledger is at."""
        return dict(rows(POSITIONS, f"{self.name}:%"))

    def compare(self, found: Counter[str]) -> None:
        """Hold raw, rejects, tombstones and gaps against the topic; count what is there and what is wrong."""
        name = f"{self.name}:%"
        landed = [((partition, position), mark) for partition, position, mark in rows(LANDED, name)]
        rejected = [((partition, position), *rest) for partition, position, *rest in rows(REJECTED, name)]
        counted = Counter([place for place, *_ in landed] + [place for place, *_ in rejected])
        gaps = rows(GAPS, name)
        gone = {place for place in self.seen if self._in(place, gaps)}
        want = {place: outcome(value) for place, value in self.seen.items() if place not in gone}
        documents = {place for place, expected in want.items() if expected != "tombstone"}
        found["messages"] += len(self.seen)
        found["landed"] += len(landed)
        found["rejected"] += len(rejected)
        found["tombstones"] += len(want) - len(documents)
        found["lost in accepted gaps"] += len(gone)
        found["gaps that hide messages"] += len(gone & self.held)
        owed = documents & self.held if self.forgets else documents  # compaction may have been first
        found["lost"] += len(owed - set(counted))
        found["doubled"] += counted.total() - len(counted)
        foreign = [mark for place, mark in landed if place not in want]
        foreign += [mark for place, *_, mark in rejected if place not in want]
        known = {self._mark(value) for value in self.sent}
        found["landed, not in the topic"] += sum(not self.forgets or mark not in known for mark in foreign)
        found["landed wrong"] += sum(
            want.get(place, "landed") != "landed" or (place in want and mark != self._mark(self.seen[place] or b""))
            for place, mark in landed
        )
        found["rejected wrong"] += sum(
            want[place] != reason or bytes(raw) != self.seen[place]
            for place, reason, raw, _ in rejected
            if place in want
        )
        self._compare_batches(rows(BATCHES, name), found)

    def _compare_batches(self, batches: list[tuple[int, int, int, int, int]], found: Counter[str]) -> None:
        """Each partition's batches follow each other, and each has read what the topic has in its range."""
        before: dict[int, int] = {}
        places = sorted(self.held if self.forgets else self.seen)
        for partition, first, following, read, skipped in batches:
            found["batches"] += 1
            found["batches that overlap"] += first < before.get(partition, 0)
            before[partition] = following
            begin, end = bisect_left(places, (partition, first)), bisect_left(places, (partition, following))
            inside, nulls = end - begin, sum(self.seen[place] is None for place in places[begin:end])
            exact = (read, skipped) == (inside, nulls)
            found["batches that miscount"] += not (read >= inside and skipped >= nulls if self.forgets else exact)

    @staticmethod
    def _in(place: InputPosition, gaps: list[tuple[int, int, int]]) -> bool:
        return any(place[0] == partition and first <= place[1] < end for partition, first, end in gaps)

    @staticmethod
    def _mark(value: bytes) -> str:
        return str(UUID(bytes=fingerprint(value)))
