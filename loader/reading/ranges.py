"""Ranges of an input that are no single document that could be landed: measured, hashed and named in flat memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from loader.checking.checks import RejectReason
from loader.reading.inputs import BrokenStream

KEPT_BYTES = 64 * 1024
FINGERPRINT_BYTES = 16


@dataclass(frozen=True, slots=True)
class InputPosition:
    """Where an input is read on: the next document's position, and the byte behind the last one (0 at the start)."""

    position: int
    byte: int


START = InputPosition(1, 0)


@dataclass(frozen=True, slots=True)
class Reject:
    """A range that is not landed: a refused document, one too large to hold, or all that follows a break.

    `is_rest` says that it reaches to the input's end, so that nothing is left to read behind it.
    """

    position: int
    first_byte: int
    length: int
    beginning: bytes
    fingerprint: UUID
    reason: RejectReason
    is_rest: bool = False


def fingerprint(document: bytes) -> bytes:
    """Return the 16 bytes that stand for a document's bytes: BLAKE2b-128."""
    return hashlib.blake2b(document, digest_size=FINGERPRINT_BYTES).digest()


def rejected(position: int, first_byte: int, document: bytes, reason: RejectReason) -> Reject:
    """Return the reject of a document that was read whole; only the beginning is kept of one that is too large."""
    kept = document[:KEPT_BYTES] if reason.code == "too_large" else document
    return Reject(position, first_byte, len(document), kept, UUID(bytes=fingerprint(document)), reason)


class Rest:
    """Measures a range that is passed over: its length, hash and beginning."""

    def __init__(self, first_byte: int) -> None:
        """Begin at a byte of the decompressed input."""
        self.first_byte = first_byte
        self.length = 0
        self._hash = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
        self.beginning = b""

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the range."""
        self._hash.update(piece)
        self.length += len(piece)
        if len(self.beginning) < KEPT_BYTES:
            self.beginning += piece[: KEPT_BYTES - len(self.beginning)]

    @property
    def fingerprint(self) -> UUID:
        """What stands for the range's bytes."""
        return UUID(bytes=self._hash.digest())

    def unframed(self, position: int, reason: str, detail: str, *, is_rest: bool = True) -> Reject:
        """Return the range as one reject."""
        why = RejectReason(reason, detail)
        return Reject(position, self.first_byte, self.length, self.beginning, self.fingerprint, why, is_rest)

    def drain(self, read: Callable[[], bytes]) -> str | None:
        """Take all that follows; return what broke the stream, if anything did."""
        try:
            while block := read():
                self.add(block)
        except BrokenStream as error:
            return str(error)
        return None
