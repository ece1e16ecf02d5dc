"""Positions in an input, and the byte ranges that become rejects: length, hash and first 64 KB, in constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from loader.checking.checker import RejectReason
from loader.reading.streams import BrokenStream

MAX_KEPT_BYTES = 64 * 1024
FINGERPRINT_BYTES = 16


@dataclass(frozen=True, slots=True)
class InputPosition:
    """Where reading resumes: the next document's position, and the first byte that was not read (0 at the start)."""

    position: int
    byte: int


START = InputPosition(1, 0)


@dataclass(frozen=True, slots=True)
class Reject:
    """A byte range that is not landed: a rejected document, or bytes that cannot be framed as one document.

    `beginning` holds all bytes, or the first 64 KB of a larger range. `is_rest` is true if the range reaches to the
    input's end, so that nothing is left to read. `erased_by` is the erasure that its key is barred by, if it is.
    """

    position: int
    first_byte: int
    length: int
    beginning: bytes
    fingerprint: UUID
    reason: RejectReason
    is_rest: bool = False
    erased_by: UUID | None = None


Frame = tuple[int, int, bytes] | Reject  # a document: position, first byte in the decompressed input, bytes
Frames = Iterator[Frame]


def fingerprint(document: bytes) -> bytes:
    """Return a document's fingerprint: the BLAKE2b-128 hash of its bytes."""
    return hashlib.blake2b(document, digest_size=FINGERPRINT_BYTES).digest()


def rejected(position: int, first_byte: int, document: bytes, reason: RejectReason) -> Reject:
    """Return the reject of a document that was read whole; only the beginning is kept of one that is too large."""
    kept = document[:MAX_KEPT_BYTES] if reason.code == "too_large" else document
    return Reject(position, first_byte, len(document), kept, UUID(bytes=fingerprint(document)), reason)


class ByteRange:
    """Measures a range of bytes that is not read as a document: its length, hash and beginning."""

    def __init__(self, first_byte: int) -> None:
        """Start with an empty range at a byte of the decompressed input."""
        self.first_byte = first_byte
        self.length = 0
        self.beginning = b""
        self._hash = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)

    def add(self, piece: bytes) -> None:
        """Add the next bytes of the range."""
        self._hash.update(piece)
        self.length += len(piece)
        if len(self.beginning) < MAX_KEPT_BYTES:
            self.beginning += piece[: MAX_KEPT_BYTES - len(self.beginning)]

    def add_all(self, read: Callable[[], bytes]) -> str | None:
        """Add everything up to the input's end; return the error if the stream is broken."""
        try:
            while block := read():
                self.add(block)
        except BrokenStream as error:
            return str(error)
        return None

    @property
    def fingerprint(self) -> UUID:
        """The fingerprint of the range's bytes."""
        return UUID(bytes=self._hash.digest())

    def as_reject(self, position: int, reason: RejectReason, *, is_rest: bool = True) -> Reject:
        """Return the range as one reject."""
        return Reject(position, self.first_byte, self.length, self.beginning, self.fingerprint, reason, is_rest)
