"""Splits an input into documents without parsing them. A bad document never hides the documents after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from loader.checking.checker import RejectReason
from loader.declarations import FilePattern
from loader.reading.byte_ranges import ByteRange, InputPosition, Reject
from loader.reading.scanner import Scanner
from loader.reading.streams import BrokenStream, Stream
from loader.reading.window import FramingBroken

BLANKS = b" \t\r\n"
LINE_END = re.compile(rb"\r\n|[\r\n]")

Frame = tuple[int, int, bytes] | Reject  # a document: position, first byte in the decompressed input, bytes
Frames = Iterator[Frame]


def frames(stream: Stream, pattern: FilePattern, max_bytes: int, start: InputPosition) -> Frames:
    """Yield the documents of an input from a position on, framed by the pattern's layout.

    Memory holds one block and one document of at most `max_bytes` at a time.
    """
    encoding = None if start.byte else _other_encoding(stream.beginning())
    if encoding:
        rest = ByteRange(0)
        rest.add_all(stream.read)
        reason = RejectReason("not_utf8", f"{encoding}: convert it to UTF-8, for example with `iconv`")
        return iter([rest.as_reject(1, reason)])
    layouts: dict[str, Callable[[], Frames]] = {
        "ndjson": lambda: _lines(stream, max_bytes, start),
        "array": lambda: _elements(stream, "", max_bytes, start),
        "records": lambda: _elements(stream, pattern.records_at or "", max_bytes, start),
        "document": lambda: _whole(stream, max_bytes),
    }
    return layouts[pattern.layout]()


def _other_encoding(beginning: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 by their byte order marks, or by the zero bytes of an ASCII character."""
    zeros = "".join("0" if byte == 0 else "c" for byte in beginning)
    if beginning in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or zeros in ("c000", "000c"):
        return "the file is UTF-32"
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") or zeros in ("c0c0", "0c0c"):
        return "the file is UTF-16"
    return None


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


def _lines(stream: Stream, max_bytes: int, start: InputPosition) -> Frames:
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
        if block and not LINE_END.search(block):
            if sum(map(len, open_line)) > max_bytes:
                position += 1
                line, end_bytes = _measure_line(blocks, offset, open_line)
                reason = RejectReason("too_large", f"a line of more than {max_bytes} bytes")
                yield line.as_reject(position, reason, is_rest=False)
                offset += line.length + end_bytes
                open_line = []
            continue
        lines, end_bytes = _split(b"".join(open_line))
        open_line = [lines.pop()] if block or blocks.broken else []
        for raw_line in lines:
            position += 1
            document = raw_line.strip(BLANKS)
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


def _split(data: bytes) -> tuple[list[bytes], int]:
    """Return the lines, and how many bytes of line end were removed from each. The last line is open, maybe empty."""
    if b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"):
        return data.split(b"\n"), 1
    lines = data.splitlines(keepends=True)
    if lines[-1].endswith((b"\n", b"\r")):
        lines.append(b"")
    return lines, 0


def _measure_line(blocks: _Blocks, first_byte: int, pieces: list[bytes]) -> tuple[ByteRange, int]:
    """Skip the rest of a line that is too large; return the line's range and the length of its line end."""
    line = ByteRange(first_byte)
    for piece in pieces:
        line.add(piece)
    while block := blocks.read():
        end = LINE_END.search(block)
        if end:
            line.add(block[: end.start()])
            blocks.put_back(block[end.end() :])
            return line, len(end.group())
        line.add(block)
    return line, 0


def _whole(stream: Stream, max_bytes: int) -> Frames:
    """Yield the whole input as one document."""
    blocks: list[bytes] = []
    size = 0
    reason: RejectReason | None = None
    try:
        while size <= max_bytes and (block := stream.read()):
            blocks.append(block)
            size += len(block)
    except BrokenStream as error:
        reason = RejectReason("cut_off", str(error))
    if size > max_bytes and reason is None:
        reason = RejectReason("too_large", f"a document of more than {max_bytes} bytes")
    data = b"".join(blocks)
    if reason:
        rest = ByteRange(stream.offset)
        rest.add(data)
        rest.add_all(stream.read)
        yield rest.as_reject(1, reason)
    elif document := data.strip(BLANKS):
        yield 1, stream.offset + data.index(document[:1]), document


def _elements(stream: Stream, pointer: str, max_bytes: int, start: InputPosition) -> Frames:
    """Yield the elements of the array at a JSON pointer."""
    scanner = Scanner(stream, max_bytes)
    position = start.position - 1
    try:
        if not start.byte and scanner.is_blank():
            return
        for first_byte, element in scanner.elements(pointer, is_resumed=bool(start.byte)):
            position += 1
            if isinstance(element, ByteRange):
                reason = RejectReason("too_large", f"an element of more than {max_bytes} bytes")
                yield element.as_reject(position, reason, is_rest=False)
            else:
                yield position, first_byte, element
    except FramingBroken as error:
        rest = scanner.rest()
        broken = rest.add_all(stream.read)
        yield rest.as_reject(position + 1, RejectReason(error.code, broken or error.detail))
