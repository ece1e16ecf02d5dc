"""What is landed as one batch: a contiguous range of one input, its rows encoded, and all of it that is not landed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from loader.checking.checks import Checker, RejectReason
from loader.checking.contracts import Contract
from loader.declarations import FilePattern, Source
from loader.landing.copying import JSONB_VERSION, RAW_ROW, position_of
from loader.reading.inputs import InputFile
from loader.reading.ranges import START, InputPosition, Reject, fingerprint, refused
from waybill.identifiers import uuid7


class Feed(Protocol):
    """What every feed says of its documents: their source and contract, the run that lands them, how they come."""

    @property
    def source(self) -> Source:
        """The declared source."""

    @property
    def contract(self) -> Contract:
        """Its contract."""

    @property
    def max_bytes(self) -> int:
        """The largest document's size."""

    @property
    def run_id(self) -> UUID | None:
        """The run that lands them."""

    @property
    def feed(self) -> str:
        """A feed of the ledger's closed list."""

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for the documents that counts unknown fields."""


AnyFeed = TypeVar("AnyFeed", bound=Feed)


@dataclass(frozen=True, slots=True)
class FileFeed:
    """What of a file is to be landed, as what, from which place on, and by which run."""

    input_file: InputFile
    source: Source
    pattern: FilePattern
    contract: Contract
    max_bytes: int
    run_id: UUID | None = None
    start: InputPosition = START
    feed: str = "file"

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for this input's documents that counts unknown fields."""
        return Checker(self.contract, self.max_bytes, drift)


@dataclass
class Batch(Generic[AnyFeed]):
    """A contiguous range of one input that becomes one batch: its rows, encoded, and all that is not landed.

    `sent_at` is when the oldest message was sent, where a feed tells.
    """

    delivery: AnyFeed
    start: InputPosition
    end: InputPosition = field(init=False)
    batch_id: UUID = field(default_factory=uuid7)
    is_last: bool = False
    rows: list[bytes] = field(default_factory=list)  # of each document its head, then the document
    first_bytes: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    drift: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: int = 0
    sent_at: datetime | None = None
    size: int = 0
    bytes_read: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing taken in."""
        self.end = self.start

    @property
    def landed(self) -> int:
        """How many documents are landed."""
        return len(self.first_bytes)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Return read, landed, rejected, skipped; a replay reads nothing, what it lands it takes from the rejected."""
        if self.delivery.feed == "replay":
            return 0, self.landed, -self.landed, 0
        rejected = len(self.rejects)
        return self.landed + rejected + self.skipped, self.landed, rejected, self.skipped

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left of the input behind its last part, which happened to end where the input does."""
        return self.end == self.start != START

    def take(self, position: int, first_byte: int, document: bytes) -> None:
        """Take in a document that is to be landed."""
        head = (4, 16, self.batch_id.bytes, 8, position, 16, fingerprint(document), len(document) + 1, JSONB_VERSION)
        self.rows += (RAW_ROW.pack(*head), document)
        self.first_bytes.append(first_byte)
        self.end = InputPosition(position + 1, first_byte + len(document))

    def reject(self, reject: Reject) -> None:
        """Take in what is not landed."""
        self.rejects.append(reject)

    def documents(self) -> Iterator[tuple[int, bytes]]:
        """Yield position and bytes of the documents that are to be landed."""
        return zip(map(position_of, self.rows[::2]), self.rows[1::2], strict=True)

    def refuse(self, refusals: dict[int, RejectReason]) -> None:
        """Turn documents into rejects after all: position → why."""
        rows, first_bytes = self.rows, self.first_bytes
        drift = Counter(dict.fromkeys(self.drift, 0))  # with the same pointers told apart
        checker = self.delivery.checker(drift)
        self.rows, self.first_bytes = [], []
        for head, document, first_byte in zip(rows[::2], rows[1::2], first_bytes, strict=True):
            refusal = refusals.get(position_of(head))
            if refusal:
                checker.check(document)  # for the unknown fields that it was counted with
                self.reject(refused(position_of(head), first_byte, document, refusal))
            else:
                self.rows += (head, document)
                self.first_bytes.append(first_byte)
        self.drift -= drift


FileBatch = Batch[FileFeed]
