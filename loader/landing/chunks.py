"""Makes chunks of documents: framed, checked, fingerprinted and encoded, ready to be landed in one transaction each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

import orjson

from loader.errors import LoaderError
from loader.landing.batch import AnyFeed, Batch, FileBatch, FileFeed
from loader.landing.copying import JSONB_VERSION, RAW_ROW
from loader.reading.framing import Frame, frames
from loader.reading.inputs import open_stream
from loader.reading.ranges import FINGERPRINT_BYTES, InputPosition, Reject, refused

ROW_BYTES = 180  # what a row costs in memory beside its document
REJECT_BYTES = 600
DRIFT_BYTES = 600
MAX_BATCHES = 1000


@dataclass
class Chunk:
    """Parts of one source that are landed in one transaction: one of a large input, or many small inputs whole."""

    source: str
    parts: list[FileBatch]


def chunks(
    deliveries: Iterable[FileFeed], chunk_bytes: int, on_problem: Callable[[FileFeed, LoaderError], None]
) -> Generator[Chunk]:
    """Yield all that deliveries of one source hold, about `chunk_bytes` of memory at a time.

    An input that cannot be read to its end, or changes meanwhile, is handed to `on_problem`; the others go on.
    """
    gathered: list[FileBatch] = []
    size = 0
    for delivery in deliveries:
        try:
            for part in parts(delivery, chunk_bytes):
                gathered.append(part)
                size += part.size
                if size >= chunk_bytes or len(gathered) >= MAX_BATCHES:
                    yield Chunk(delivery.source.source, gathered)
                    gathered, size = [], 0
        except LoaderError as error:
            on_problem(delivery, error)
    if gathered:
        yield Chunk(gathered[0].delivery.source.source, gathered)


def parts(delivery: FileFeed, chunk_bytes: int) -> Iterator[FileBatch]:
    """Yield an input's parts from its start on; all but the last are full, and an empty input has one.

    Raises:
        FileChanged, FileRefused: the input is not what it was; parts that were yielded before are.
    """
    start = delivery.start
    with open_stream(delivery.input_file, start.byte) as stream:
        found = frames(stream, delivery.pattern, delivery.max_bytes, start)
        while True:
            part = FileBatch(delivery, start)
            fill(part, found, chunk_bytes)
            part.bytes_read = stream.bytes_read
            stream.check_unchanged()
            yield part
            if part.is_last:
                return
            start = part.end


def fill(part: Batch[AnyFeed], found: Iterator[Frame], max_bytes: int) -> None:
    """Take documents in until the part is full or, as its mark says, nothing is left.

    This is the loop that sets the loader's speed: what it does for every document is written out, the calls in it are
    those that work on the document's bytes.
    """
    checker = part.delivery.checker(part.drift)
    check, loads, knows_all = checker.check, orjson.loads, part.delivery.contract.knows_all
    batch, pack, empty_hash = part.batch_id.bytes, RAW_ROW.pack, hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    add_piece, add_first_byte = part.rows.append, part.first_bytes.append
    limit, size, frame = part.delivery.max_bytes, 0, None
    for frame in found:
        if type(frame) is Reject:
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
        if size >= max_bytes and not (type(frame) is Reject and frame.is_rest):
            break
    else:
        part.is_last = True
    part.size = size + DRIFT_BYTES * len(part.drift)
    if frame is not None:
        part.end = _behind(frame)


def _behind(frame: Frame) -> InputPosition:
    if isinstance(frame, Reject):
        return InputPosition(frame.position + 1, frame.first_byte + frame.length)
    position, first_byte, document = frame
    return InputPosition(position + 1, first_byte + len(document))
