"""Makes chunks of documents: framed, checked, fingerprinted and encoded, ready to be landed in one transaction each."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import orjson

from loader.checks import Checker, Refusal
from loader.contracts import Contract
from loader.copying import JSONB_VERSION, RAW_ROW, position_of
from loader.declarations import FilePattern, Source
from loader.errors import LoaderError
from loader.framing import Frame, frames
from loader.inputs import InputFile, open_stream
from loader.ranges import FINGERPRINT_BYTES, START, Place, Unframed, fingerprint, refused
from warehouse.identifiers import uuid7

ROW_BYTES = 180  # what a row costs in memory beside its document
REJECT_BYTES = 600
MOST_PARTS = 1000


class Origin(Protocol):
    """What every feed says of its documents: their source and contract, the run that lands them, how they come."""

    @property
    def source(self) -> Source:
        """The declared source."""

    @property
    def contract(self) -> Contract:
        """Its contract."""

    @property
    def most_bytes(self) -> int:
        """The largest document's size."""

    @property
    def run_id(self) -> UUID | None:
        """The run that lands them."""

    @property
    def feed(self) -> str:
        """A feed of the ledger's closed list."""

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for the documents that counts unknown fields."""


From = TypeVar("From", bound=Origin)


@dataclass(frozen=True)
class Delivery:
    """What of a file is to be landed, as what, from which place on, and by which run."""

    input_file: InputFile
    source: Source
    pattern: FilePattern
    contract: Contract
    most_bytes: int
    run_id: UUID | None = None
    start: Place = START
    feed: str = "file"

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for this input's documents that counts unknown fields."""
        return Checker(self.contract, self.most_bytes, drift)


@dataclass
class Part(Generic[From]):
    """A contiguous range of one input that becomes one batch: its rows, encoded, and all that is not landed.

    `sent_at` is when the oldest message was sent, where a feed tells.
    """

    delivery: From
    start: Place
    end: Place = field(init=False)
    batch_id: UUID = field(default_factory=uuid7)
    is_last: bool = False
    rows: list[bytes] = field(default_factory=list)  # of each document its head, then the document
    first_bytes: list[int] = field(default_factory=list)
    rejects: list[Unframed] = field(default_factory=list)
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
        self.end = Place(position + 1, first_byte + len(document))

    def reject(self, reject: Unframed) -> None:
        """Take in what is not landed."""
        self.rejects.append(reject)

    def documents(self) -> Iterator[tuple[int, bytes]]:
        """Yield position and bytes of the documents that are to be landed."""
        return zip(map(position_of, self.rows[::2]), self.rows[1::2], strict=True)

    def refuse(self, refusals: dict[int, Refusal]) -> None:
        """Turn documents into rejects after all: position → why."""
        rows, first_bytes, drift = self.rows, self.first_bytes, Counter[tuple[str, str]]()
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


FilePart = Part[Delivery]


@dataclass
class Chunk:
    """Parts of one source that are landed in one transaction: one of a large input, or many small inputs whole."""

    source: str
    parts: list[FilePart]


def chunks(
    deliveries: Iterable[Delivery], chunk_bytes: int, on_problem: Callable[[Delivery, LoaderError], None]
) -> Generator[Chunk]:
    """Yield all that deliveries of one source hold, about `chunk_bytes` of memory at a time.

    An input that cannot be read to its end, or changes meanwhile, is handed to `on_problem`; the others go on.
    """
    gathered: list[FilePart] = []
    size = 0
    for delivery in deliveries:
        try:
            for part in parts(delivery, chunk_bytes):
                gathered.append(part)
                size += part.size
                if size >= chunk_bytes or len(gathered) >= MOST_PARTS:
                    yield Chunk(delivery.source.source, gathered)
                    gathered, size = [], 0
        except LoaderError as error:
            on_problem(delivery, error)
    if gathered:
        yield Chunk(gathered[0].delivery.source.source, gathered)


def parts(delivery: Delivery, chunk_bytes: int) -> Iterator[FilePart]:
    """Yield an input's parts from its start on; all but the last are full, and an empty input has one.

    Raises:
        FileChanged, FileRefused: the input is not what it was; parts that were yielded before are.
    """
    start = delivery.start
    with open_stream(delivery.input_file, start.byte) as stream:
        found = frames(stream, delivery.pattern, delivery.most_bytes, start)
        while True:
            part = FilePart(delivery, start)
            fill(part, found, chunk_bytes)
            part.bytes_read = stream.bytes_read
            stream.check_unchanged()
            yield part
            if part.is_last:
                return
            start = part.end


def fill(part: Part[From], found: Iterator[Frame], most_bytes: int) -> None:
    """Take documents in until the part is full or, as its mark says, nothing is left.

    This is the loop that sets the loader's speed: what it does for every document is written out, the calls in it are
    those that work on the document's bytes.
    """
    checker = part.delivery.checker(part.drift)
    check, loads, knows_all = checker.check, orjson.loads, part.delivery.contract.knows_all
    batch, pack, empty_hash = part.batch_id.bytes, RAW_ROW.pack, hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    add_piece, add_first_byte = part.rows.append, part.first_bytes.append
    limit, size, frame = part.delivery.most_bytes, 0, None
    for frame in found:
        if type(frame) is Unframed:
            part.reject(frame)
            size += REJECT_BYTES + len(frame.beginning)
        else:
            position, first_byte, document = frame  # type: ignore[misc]
            length = len(document)
            try:
                is_plain = knows_all(loads(document)) and b"\\" not in document
            except orjson.JSONDecodeError:
                is_plain = False
            refusal = None if is_plain and length <= limit else check(document)
            if refusal:
                reject = refused(position, first_byte, document, refusal)
                part.reject(reject)
                size += REJECT_BYTES + len(reject.beginning)
            else:
                mark = empty_hash.copy()
                mark.update(document)
                add_piece(pack(4, 16, batch, 8, position, 16, mark.digest(), length + 1, JSONB_VERSION))
                add_piece(document)
                add_first_byte(first_byte)
                size += length + ROW_BYTES
        if size >= most_bytes and not (type(frame) is Unframed and frame.is_rest):
            break
    else:
        part.is_last = True
    part.size = size
    if frame is not None:
        part.end = _behind(frame)


def _behind(frame: Frame) -> Place:
    if isinstance(frame, Unframed):
        return Place(frame.position + 1, frame.first_byte + frame.length)
    position, first_byte, document = frame
    return Place(position + 1, first_byte + len(document))
