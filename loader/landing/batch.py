"""A batch: a contiguous range of one input, with its encoded rows and its rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from loader.checking.checker import RejectReason
from loader.landing.binary_copy import JSONB_VERSION, RAW_ROW, position_of
from loader.landing.feeds import Feed, FileFeed
from loader.reading.byte_ranges import START, InputPosition, Reject, fingerprint, rejected
from waybill.identifiers import uuid7

AnyFeed = TypeVar("AnyFeed", bound=Feed)


class Counts(NamedTuple):
    """A batch's documents in the ledger: read = landed + rejected + skipped."""

    read: int
    landed: int
    rejected: int
    skipped: int


@dataclass
class Batch(Generic[AnyFeed]):
    """A contiguous range of one input that is landed in one transaction.

    `input_id` is the id that a new input gets; for an input that the ledger knows, locking it sets the known id.
    `rows` holds two pieces for each document: the encoded head of its row, then its bytes.
    `nulls` are the messages without a value that are landed as jsonb null: position and message key.
    `barred` are the positions of documents whose keys were erased, by which erasure: they are only counted.
    `sent_at` is the time at which the oldest message was sent, if the feed has such times. `envelope` has the fields
    beside the records that were read with the batch, and the pointers of those left out, as JSON texts.
    """

    feed: AnyFeed
    start: InputPosition
    end: InputPosition = field(init=False)
    batch_id: UUID = field(default_factory=uuid7)
    input_id: UUID = field(default_factory=uuid7)
    is_last: bool = False
    rows: list[bytes] = field(default_factory=list)
    first_bytes: list[int] = field(default_factory=list)
    nulls: dict[int, bytes] = field(default_factory=dict)
    barred: dict[int, UUID] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    drift: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: int = 0
    sent_at: datetime | None = None
    envelope: tuple[str | None, str | None] = (None, None)
    size: int = 0
    bytes_read: int = 0

    def __post_init__(self) -> None:
        """Start as an empty batch."""
        self.end = self.start

    @property
    def landed(self) -> int:
        """The number of documents that are landed; barred ones count, and have no row."""
        return len(self.first_bytes) + len(self.nulls) + len(self.barred)

    @property
    def counts(self) -> Counts:
        """The counts for the ledger.

        For a replay, read is 0 and rejected is negative: each document moves from rejected to landed.
        """
        if self.feed.kind == "replay":
            return Counts(read=0, landed=self.landed, rejected=-self.landed, skipped=0)
        rejected = len(self.rejects)
        return Counts(self.landed + rejected + self.skipped, self.landed, rejected, self.skipped)

    @property
    def new_rejects(self) -> list[Reject]:
        """The rejects that the ledger does not have yet. What a replay rejects again is in the ledger already."""
        return [] if self.feed.kind == "replay" else self.rejects

    @property
    def is_idle(self) -> bool:
        """True for an empty final batch: the previous batch ended exactly at the end of the input."""
        return self.end == self.start != START

    def add(self, position: int, first_byte: int, document: bytes) -> None:
        """Add a document that will be landed."""
        head = (4, 16, self.batch_id.bytes, 8, position, 16, fingerprint(document), len(document) + 1, JSONB_VERSION)
        self.rows += (RAW_ROW.pack(*head), document)
        self.first_bytes.append(first_byte)
        self.end = InputPosition(position + 1, first_byte + len(document))

    def add_null(self, position: int, message_key: bytes) -> None:
        """Add a message without a value that will be landed."""
        self.nulls[position] = message_key
        self.end = InputPosition(position + 1, 0)

    def documents(self) -> Iterator[tuple[int, bytes]]:
        """Yield position and bytes of each document that will be landed."""
        return zip(map(position_of, self.rows[::2]), self.rows[1::2], strict=True)

    def positions(self) -> Iterator[int]:
        """Yield the position of everything that will be landed."""
        yield from map(position_of, self.rows[::2])
        yield from self.nulls
        yield from self.barred

    def reject(self, reasons: Mapping[int, RejectReason]) -> None:
        """Turn the documents at these positions into rejects."""
        for position, first_byte, document in self._removed(reasons):
            self.rejects.append(rejected(position, first_byte, document, reasons[position]))

    def discard(self, positions: Collection[int]) -> None:
        """Remove the documents at these positions from the batch."""
        self._removed(positions)
        self.nulls = {position: key for position, key in self.nulls.items() if position not in positions}
        self.barred = {position: by for position, by in self.barred.items() if position not in positions}

    def bar(self, positions: Mapping[int, UUID]) -> None:
        """Keep nothing but the number of the documents at these positions, which were erased."""
        if positions:
            self.discard(positions)
            self.barred.update(positions)

    def _removed(self, positions: Collection[int]) -> list[tuple[int, int, bytes]]:
        """Remove documents with the unknown fields they were counted for; return position, first byte and bytes."""
        if not positions:
            return []
        rows, first_bytes = self.rows, self.first_bytes
        drift = Counter(dict.fromkeys(self.drift, 0))  # the checker counts under the same pointers as before
        checker = self.feed.checker(drift)
        self.rows, self.first_bytes, removed = [], [], []
        for head, document, first_byte in zip(rows[::2], rows[1::2], first_bytes, strict=True):
            if position_of(head) in positions:
                checker.check(document)
                removed.append((position_of(head), first_byte, document))
            else:
                self.rows += (head, document)
                self.first_bytes.append(first_byte)
        self.drift -= drift
        return removed


FileBatch = Batch[FileFeed]
