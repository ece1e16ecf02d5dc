"""Splits an input into lines, each of which is a document, without parsing them."""

from __future__ import annotations

import re

import orjson

from loader.checking.checker import RejectReason
from loader.reading.byte_ranges import ByteRange, Frames, InputPosition
from loader.reading.layouts import BEGINNING_BYTES
from loader.reading.streams import BrokenStream, Stream

BLANKS = b" \t\r\n"
LINE_END = re.compile(rb"\r\n|[\r\n]")
LINE_FEED = re.compile(rb"\r?\n")


def _line_end_of(stream: Stream) -> re.Pattern[bytes]:
    """Return what ends the lines of a file: a carriage return only if its beginning has no line feed."""
    beginning = stream.beginning(BEGINNING_BYTES)
    return LINE_END if b"\r" in beginning and b"\n" not in beginning else LINE_FEED


class _Blocks:
    """The blocks of a stream. No block but the last ends in a carriage return, since a line feed could follow it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._carriage_return = b""
        self._put_back = b""
        self.broken: str | None = None

    def read(self) -> bytes:
        """Return the next block, empty at the end. If the stream is broken, set `broken` to the error."""
        if self._put_back:
            block, self._put_back = self._put_back, b""
            return block
        while True:
            try:
                block = self._stream.read()
            except BrokenStream as error:
                block, self.broken = b"", str(error)
            complete = self._carriage_return + block
            self._carriage_return = b"\r" if block.endswith(b"\r") else b""
            complete = complete[: len(complete) - len(self._carriage_return)]
            if complete or not block:
                return complete

    def put_back(self, block: bytes) -> None:
        """Make the rest of a block the next one."""
        self._put_back = block


def lines(stream: Stream, max_bytes: int, start: InputPosition) -> Frames:
    """Yield the documents of an input from a position on, one per line."""
    line_end = _line_end_of(stream)
    # When reading resumes after a document, the rest of its line comes first: a blank line with the same number.
    position = start.position - 2 if start.byte else 0
    blocks = _Blocks(stream)
    open_line: list[bytes] = []
    offset: int | None = None
    while True:
        block = blocks.read()
        if offset is None:
            offset = stream.offset
        open_line.append(block)
        if block and not line_end.search(block):
            if sum(map(len, open_line)) > max_bytes:
                position += 1
                line, end_bytes = _measure_line(blocks, offset, open_line, line_end)
                reason = RejectReason("too_large", f"a line of more than {max_bytes} bytes")
                yield line.as_reject(position, reason, is_rest=False)
                offset += line.length + end_bytes
                open_line = []
            continue
        is_last = not block and not blocks.broken
        data = b"".join(open_line)
        are_small = len(data) <= max_bytes
        closed, end_bytes = _split(data, line_end, max_bytes=max_bytes, is_last=is_last)
        open_line = [] if is_last else [closed.pop()]
        for raw_line in closed:
            position += 1
            document = raw_line.strip(BLANKS) if are_small else _document(raw_line, max_bytes)
            if document:
                is_bare = len(document) == len(raw_line)
                yield position, offset if is_bare else offset + raw_line.index(document[:1]), document
            offset += len(raw_line) + end_bytes
        if not block:
            break
    if blocks.broken:
        rest = ByteRange(offset)
        rest.add(open_line[0])
        yield rest.as_reject(position + 1, RejectReason("cut_off", blocks.broken))


def _document(line: bytes, max_bytes: int) -> bytes:
    """Return a line without blanks; with its blanks if it is too large, like a line that is read in pieces."""
    bare = _without_end(line)
    return bare if len(bare) > max_bytes else line.strip(BLANKS)


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _split(data: bytes, line_end: re.Pattern[bytes], *, max_bytes: int, is_last: bool) -> tuple[list[bytes], int]:
    """Return the lines, and how many bytes of line end were removed from each. The last line is open, maybe empty."""
    if b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"):
        return data.split(b"\n"), 1
    if line_end is LINE_FEED:
        *closed, last = data.split(b"\n")
        lines = [piece for line in closed for piece in _pieces(line + b"\n", max_bytes)]
        return [*lines, *(_pieces(last, max_bytes) if is_last else [last])], 0
    lines = data.splitlines(keepends=True)
    if lines[-1].endswith((b"\n", b"\r")):
        lines.append(b"")
    return lines, 0


def _pieces(line: bytes, max_bytes: int) -> list[bytes]:
    """Split a line at its carriage returns if that gives documents; otherwise they are blanks in a document."""
    if len(_without_end(line)) > max_bytes:
        return [line]
    pieces = line.splitlines(keepends=True)
    documents = [bare for piece in pieces if (bare := piece.strip(BLANKS))]
    return pieces if pieces and all(map(_is_json, documents)) else [line]


def _is_json(piece: bytes) -> bool:
    try:
        orjson.loads(piece)
    except orjson.JSONDecodeError:
        return False
    return True


def _measure_line(
    blocks: _Blocks, first_byte: int, pieces: list[bytes], line_end: re.Pattern[bytes]
) -> tuple[ByteRange, int]:
    """Skip the rest of a line that is too large; return the line's range and the length of its line end."""
    line = ByteRange(first_byte)
    for piece in pieces:
        line.add(piece)
    while block := blocks.read():
        end = line_end.search(block)
        if end:
            line.add(block[: end.start()])
            blocks.put_back(block[end.end() :])
            return line, len(end.group())
        line.add(block)
    return line, 0
