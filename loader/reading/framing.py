"""Cuts an input into documents without parsing them; a document that is bad in itself never hides the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from loader.declarations import FilePattern
from loader.reading.inputs import BrokenStream, Stream
from loader.reading.ranges import InputPosition, Reject, Rest
from loader.reading.scanner import Scanner
from loader.reading.window import FramingBroken

BLANKS = b" \t\r\n"
LINE_END = re.compile(rb"\r\n|[\r\n]")

Frame = tuple[int, int, bytes] | Reject  # position, first byte in the decompressed input, bytes
Frames = Iterator[Frame]


def frames(stream: Stream, pattern: FilePattern, max_bytes: int, start: InputPosition) -> Frames:
    """Yield the documents of an input from a place on, by the layout that the pattern names.

    Memory holds one block and one document of at most `max_bytes` at a time.
    """
    encoding = None if start.byte else _other_encoding(stream.beginning())
    if encoding:
        rest = Rest(0)
        rest.drain(stream.read)
        return iter([rest.unframed(1, "not_utf8", f"{encoding}: convert it to UTF-8, with `iconv` or the like")])
    readers: dict[str, Callable[[], Frames]] = {
        "ndjson": lambda: _lines(stream, max_bytes, start),
        "array": lambda: _elements(stream, "", max_bytes, start),
        "records": lambda: _elements(stream, pattern.records_at or "", max_bytes, start),
        "document": lambda: _whole(stream, max_bytes),
    }
    return readers[pattern.layout]()


def _other_encoding(beginning: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 by their marks, or by where the zero bytes of an ASCII character stand in them."""
    zeros = "".join("0" if byte == 0 else "c" for byte in beginning)
    if beginning in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or zeros in ("c000", "000c"):
        return "the file is UTF-32"
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") or zeros in ("c0c0", "0c0c"):
        return "the file is UTF-16"
    return None


class _Blocks:
    """The blocks of a stream; none but the last ends in a carriage return, whose line feed may begin the next one."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held = b""
        self._put_back = b""
        self.broken: str | None = None

    def read(self) -> bytes:
        """Return the next block; empty at the end, and at a break, which `broken` tells then."""
        if self._put_back:
            block, self._put_back = self._put_back, b""
            return block
        while True:
            try:
                block = self._stream.read()
            except BrokenStream as error:
                block, self.broken = b"", str(error)
            found = self._held + block
            self._held = b"\r" if block.endswith(b"\r") else b""
            found = found[: len(found) - len(self._held)]
            if found or not block:
                return found

    def put_back(self, block: bytes) -> None:
        """Let what is left of a block be the next one."""
        self._put_back = block


def _lines(stream: Stream, max_bytes: int, start: InputPosition) -> Frames:
    # behind a document the rest of its line comes first: a blank line that has its number again
    position = start.position - 2 if start.byte else 0
    blocks = _Blocks(stream)
    open_line: list[bytes] = []
    offset: int | None = None
    while True:
        block = blocks.read()
        if offset is None:
            offset = stream.offset
        open_line.append(block)
        if block and not LINE_END.search(block):
            if sum(map(len, open_line)) > max_bytes:
                position += 1
                rest, end_bytes = _skip_line(blocks, offset, open_line)
                yield rest.unframed(position, "too_large", f"a line of more than {max_bytes} bytes", is_rest=False)
                offset += rest.length + end_bytes
                open_line = []
            continue
        lines, ended = _split(b"".join(open_line))
        open_line = [lines.pop()] if block or blocks.broken else []
        for line in lines:
            position += 1
            raw = line.strip(BLANKS)
            if raw:
                yield position, offset if len(raw) == len(line) else offset + line.index(raw[:1]), raw
            offset += len(line) + ended
        if not block:
            break
    if blocks.broken:
        rest = Rest(offset)
        rest.add(open_line[0])
        yield rest.unframed(position + 1, "cut_off", blocks.broken)


def _split(data: bytes) -> tuple[list[bytes], int]:
    """Return the lines, the last one open (empty when all ended), and how many bytes of line end they lack each."""
    if b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"):
        return data.split(b"\n"), 1
    lines = data.splitlines(keepends=True)
    if lines[-1].endswith((b"\n", b"\r")):
        lines.append(b"")
    return lines, 0


def _skip_line(blocks: _Blocks, first_byte: int, pieces: list[bytes]) -> tuple[Rest, int]:
    """Pass over the rest of a line that is too large; return its measure and its line end's length."""
    rest = Rest(first_byte)
    for piece in pieces:
        rest.add(piece)
    while block := blocks.read():
        end = LINE_END.search(block)
        if end:
            rest.add(block[: end.start()])
            blocks.put_back(block[end.end() :])
            return rest, len(end.group())
        rest.add(block)
    return rest, 0


def _whole(stream: Stream, max_bytes: int) -> Frames:
    blocks: list[bytes] = []
    size = 0
    try:
        while block := stream.read():
            blocks.append(block)
            size += len(block)
            if size > max_bytes:
                rest = Rest(stream.offset)
                rest.add(b"".join(blocks))
                rest.drain(stream.read)
                yield rest.unframed(1, "too_large", f"a document of more than {max_bytes} bytes")
                return
    except BrokenStream as error:
        rest = Rest(stream.offset)
        rest.add(b"".join(blocks))
        yield rest.unframed(1, "cut_off", str(error))
        return
    data = b"".join(blocks)
    raw = data.strip(BLANKS)
    if raw:
        yield 1, stream.offset + data.index(raw[:1]), raw


def _elements(stream: Stream, pointer: str, max_bytes: int, start: InputPosition) -> Frames:
    scanner = Scanner(stream, max_bytes)
    position = start.position - 1
    try:
        if not start.byte and scanner.is_blank():
            return
        for first_byte, element in scanner.elements(pointer, is_behind_one=bool(start.byte)):
            position += 1
            if isinstance(element, Rest):
                yield element.unframed(
                    position, "too_large", f"an element of more than {max_bytes} bytes", is_rest=False
                )
            else:
                yield position, first_byte, element
    except FramingBroken as error:
        rest = scanner.rest()
        broken = rest.drain(stream.read)
        yield rest.unframed(position + 1, error.reason, broken or error.detail)
