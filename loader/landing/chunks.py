"""Turns files into batches: framed, checked, fingerprinted and encoded, a chunk of memory at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace

import orjson

from loader.checking.checker import is_of_document
from loader.errors import FileRefused, LoaderError
from loader.landing.batch import AnyFeed, Batch, FileBatch
from loader.landing.binary_copy import JSONB_VERSION, RAW_ROW
from loader.landing.feeds import FileFeed
from loader.reading.byte_ranges import FINGERPRINT_BYTES, START, Frame, InputPosition, Reject, rejected
from loader.reading.envelope import Envelope
from loader.reading.framing import frames
from loader.reading.layouts import BEGINNING_BYTES, recognise_layout
from loader.reading.scanner import VersionMissing
from loader.reading.streams import open_stream

NUL = b"\\u0000"  # escaped, as JSON has it
ROW_BYTES = 180  # memory that a row takes in addition to its document
REJECT_BYTES = 600
DRIFT_BYTES = 600
MAX_BATCHES = 1000

Chunk = list[FileBatch]  # landed in one transaction: one batch of a large file, or one batch each of many small files


def chunks(
    feeds: Iterable[FileFeed], max_bytes: int, on_problem: Callable[[FileFeed, LoaderError], None]
) -> Generator[Chunk]:
    """Yield all batches of one source's files in chunks of about `max_bytes` of memory.

    A file that cannot be read to its end, or changes meanwhile, is passed to `on_problem`; the other files follow.
    """
    chunk: Chunk = []
    size = 0
    for feed in feeds:
        try:
            for batch in batches(feed, max_bytes):
                chunk.append(batch)
                size += batch.size
                if size >= max_bytes or len(chunk) >= MAX_BATCHES:
                    yield chunk
                    chunk, size = [], 0
        except LoaderError as error:
            on_problem(feed, error)
    if chunk:
        yield chunk


def batches(feed: FileFeed, max_bytes: int) -> Iterator[FileBatch]:
    """Yield a file's batches from its start position on. All but the last are full; an empty file has one empty batch.

    Raises:
        FileChanged, FileRefused: the file changed, cannot be read, or its version does not precede its records; the
            batches yielded before are valid.
    """
    envelope = Envelope(feed.source.envelope_version)
    if feed.start != START:
        envelope.begin_records()
    with open_stream(feed.input_file, feed.start.byte) as stream:
        found = frames(stream, feed.pattern, feed.max_bytes, feed.start, envelope)
        for part in [replace(feed, start=undone.start, undone=(undone,)) for undone in feed.undone] or [feed]:
            start, found_in_part = part.start, _within(part, found)
            while True:
                batch: FileBatch = Batch(part, start)
                try:
                    fill(batch, found_in_part, max_bytes)
                except VersionMissing:
                    raise FileRefused(
                        f"{feed.input_file.name}: no {envelope.version} before the records, and the declaration says "
                        "that it is their version: nothing of the file is landed; write it before them, or correct "
                        "`version`"
                    ) from None
                batch.envelope = envelope.take()
                batch.bytes_read = stream.bytes_read
                if start == START and batch.rejects and not batch.landed:
                    _name_remedy(batch, stream.beginning(BEGINNING_BYTES))
                stream.check_unchanged()
                yield batch
                if batch.is_last:
                    break
                start = batch.end


def _name_remedy(batch: FileBatch, beginning: bytes) -> None:
    """Add to the first reject of a file which layout fits, if its beginning shows another one than it was read by."""
    found = recognise_layout(beginning)
    remedy = found.remedy_for(batch.feed.pattern.layout) if found else None
    if remedy:
        reject = batch.rejects[0]
        reason = replace(reject.reason, detail=f"{reject.reason.detail}; {remedy}")
        batch.rejects[0] = replace(reject, reason=reason)


def fill(batch: Batch[AnyFeed], found: Iterator[Frame], max_bytes: int) -> None:
    """Add documents until the batch is full. Mark it as the last batch if the input has no more documents.

    The loader's speed depends on this loop. So the work for each document is written out here, and the only calls are
    those that work on the document's bytes.
    """
    checker = batch.feed.checker(batch.drift)
    check, takes, loads, knows_all = checker.check, checker.takes, orjson.loads, batch.feed.contract.knows_all
    is_quick = not batch.feed.contract.expects_unknown
    batch_id, pack, empty_hash = batch.batch_id.bytes, RAW_ROW.pack, hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    add_piece, add_first_byte, add_reject = batch.rows.append, batch.first_bytes.append, batch.rejects.append
    max_document_bytes, size, frame = batch.feed.max_bytes, 0, None
    for frame in found:
        if type(frame) is Reject:
            add_reject(frame)
            size += REJECT_BYTES + len(frame.beginning)
        else:
            position, first_byte, document = frame  # type: ignore[misc]
            length = len(document)
            try:
                is_plain = length <= max_document_bytes and (b"\\" not in document or NUL not in document)
                if is_plain:
                    value = loads(document)
                    is_plain = (is_quick and knows_all(value)) or takes(value)
            except BaseException as error:  # what a document raises is its reject: `check` finds the reason
                if not is_of_document(error):
                    raise
                is_plain = False
            reason = None if is_plain else check(document)
            if reason:
                reject = rejected(position, first_byte, document, reason)
                add_reject(reject)
                size += REJECT_BYTES + len(reject.beginning)
            else:
                mark = empty_hash.copy()
                mark.update(document)
                add_piece(pack(4, 16, batch_id, 8, position, 16, mark.digest(), length + 1, JSONB_VERSION))
                add_piece(document)
                add_first_byte(first_byte)
                size += length + ROW_BYTES
        if size >= max_bytes and not (type(frame) is Reject and frame.is_rest):
            break
    else:
        batch.is_last = True
    checker.count_learned()
    batch.feed.contract.expect_as_in(batch.drift, len(batch.first_bytes))
    batch.size = size + DRIFT_BYTES * len(batch.drift)
    if frame is not None:
        batch.end = _position_after(frame)


def _within(feed: FileFeed, found: Iterator[Frame]) -> Iterator[Frame]:
    """Return the documents of the undone range that is read again, else all."""
    return _up_to(feed.undone[0].end, found) if feed.undone else found


def _up_to(end: int, found: Iterator[Frame]) -> Iterator[Frame]:
    for frame in found:
        yield frame
        if _position_after(frame).position >= end:
            return


def _position_after(frame: Frame) -> InputPosition:
    if isinstance(frame, Reject):
        return InputPosition(frame.position + 1, frame.first_byte + frame.length)
    position, first_byte, document = frame
    return InputPosition(position + 1, first_byte + len(document))
