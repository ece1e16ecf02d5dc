"""Cuts an input into documents without parsing them; a document that is bad in itself never hides the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from loader.checks import Refusal
from loader.declarations import FilePattern
from loader.inputs import BrokenStream, Stream
from loader.scanner import FramingBroken, Scanner

BLANKS = b" \t\r\n"
KEPT_BYTES = 64 * 1024


@dataclass(frozen=True)
class Unframed:
    """A range that is no single document: too large to hold, or all that follows a break."""

    position: int
    first_byte: int
    length: int
    beginning: bytes
    fingerprint: UUID
    refusal: Refusal


Framed = tuple[int, int, bytes]  # position, first byte in the decompressed input, bytes
Frames = Iterator[Framed | Unframed]


def frames(stream: Stream, pattern: FilePattern, most_bytes: int) -> Frames:
    """Yield the documents of an input in order, by the layout that the pattern names.

    Memory holds one block and one document of at most `most_bytes` at a time.
    """
    readers: dict[str, Callable[[], Frames]] = {
        "ndjson": lambda: _lines(stream, most_bytes),
        "array": lambda: _elements(stream, "", most_bytes),
        "records": lambda: _elements(stream, pattern.records_at or "", most_bytes),
        "document": lambda: _whole(stream, most_bytes),
    }
    return readers[pattern.layout]()


class Rest:
    """Measures a range that is passed over: its length, hash and beginning, in flat memory."""

    def __init__(self, position: int, first_byte: int) -> None:
        """Begin at a byte of the decompressed input."""
        self._position = position
        self._first_byte = first_byte
        self._hash = hashlib.blake2b(digest_size=16)
        self._beginning = b""
        self.length = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the range."""
        self._hash.update(piece)
        self.length += len(piece)
        if len(self._beginning) < KEPT_BYTES:
            self._beginning += piece[: KEPT_BYTES - len(self._beginning)]

    def unframed(self, reason: str, detail: str) -> Unframed:
        """Return the range as one reject."""
        fingerprint = UUID(bytes=self._hash.digest())
        refusal = Refusal(reason, detail)
        return Unframed(self._position, self._first_byte, self.length, self._beginning, fingerprint, refusal)

    def drain(self, read: Callable[[], bytes]) -> str | None:
        """Take all that follows; return what broke the stream, if anything did."""
        try:
            while block := read():
                self.add(block)
        except BrokenStream as error:
            return str(error)
        return None


def _lines(stream: Stream, most_bytes: int) -> Frames:
    carry, position, offset, broken = b"", 0, None, None
    while True:
        try:
            block = stream.read()
        except BrokenStream as error:
            block, broken = b"", str(error)
        if offset is None:
            offset = stream.offset
        data = carry + block
        if block and data.endswith(b"\r"):  # its line feed may begin the next block
            carry = data
            continue
        lines = data.splitlines(keepends=True)
        carry = lines.pop() if block and lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        if broken and lines and not lines[-1].endswith((b"\n", b"\r")):
            carry = lines.pop()
        for line in lines:
            position += 1
            raw = line.strip(BLANKS)
            if raw:
                yield position, offset + line.index(raw[:1]), raw
            offset += len(line)
        if broken:
            rest = Rest(position + 1, offset)
            rest.add(carry)
            yield rest.unframed("cut_off", broken)
            return
        if not block:
            return
        if len(carry) > most_bytes:
            position += 1
            rest, carry, ended = _skip_line(stream, position, offset, carry)
            yield rest.unframed("too_large", f"a line of more than {most_bytes} bytes")
            offset += rest.length + ended


def _skip_line(stream: Stream, position: int, offset: int, carry: bytes) -> tuple[Rest, bytes, int]:
    """Pass over the rest of a line that is too large; return its measure, what follows, and its line end's length."""
    rest = Rest(position, offset)
    rest.add(carry)
    while True:
        try:
            block = stream.read()
        except BrokenStream:
            return rest, b"", 0
        end = block.find(b"\n")
        if not block or end >= 0:
            rest.add(block[: max(end, 0)])
            return rest, block[end + 1 :] if block else b"", int(bool(block))
        rest.add(block)


def _whole(stream: Stream, most_bytes: int) -> Frames:
    data, first_byte = b"", 0
    try:
        while block := stream.read():
            data, first_byte = data + block, stream.offset
            if len(data) > most_bytes:
                rest = Rest(1, first_byte)
                rest.add(data)
                rest.drain(stream.read)
                yield rest.unframed("too_large", f"a document of more than {most_bytes} bytes")
                return
    except BrokenStream as error:
        rest = Rest(1, first_byte)
        rest.add(data)
        yield rest.unframed("cut_off", str(error))
        return
    raw = data.strip(BLANKS)
    if raw:
        yield 1, first_byte + data.index(raw[:1]), raw


def _elements(stream: Stream, pointer: str, most_bytes: int) -> Frames:
    scanner = Scanner(stream, most_bytes)
    position = 0
    try:
        if scanner.is_blank():
            return
        for first_byte, raw in scanner.elements(pointer):
            position += 1
            yield position, first_byte, raw
    except FramingBroken as error:
        rest = Rest(position + 1, scanner.offset)
        rest.add(scanner.remaining())
        broken = rest.drain(stream.read)
        yield rest.unframed(error.reason, broken or error.detail)
