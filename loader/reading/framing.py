"""Splits an input into documents without parsing them. A bad document never hides the documents after it."""

from __future__ import annotations

from collections.abc import Callable

from loader.checking.checker import RejectReason
from loader.checking.formats import recognise_format
from loader.declarations import FilePattern
from loader.reading.byte_ranges import START, ByteRange, Frames, InputPosition
from loader.reading.envelope import Envelope
from loader.reading.layouts import BEGINNING_BYTES as LAYOUT_BYTES
from loader.reading.layouts import has_object_on_a_line, recognise_layout
from loader.reading.lines import BLANKS, lines
from loader.reading.scanner import Scanner
from loader.reading.streams import BOM, BrokenStream, Stream
from loader.reading.window import FramingBroken

MAY_BE_DAMAGE = (b"\0", b"<", b"\x1e", b"\r", b"\n")  # beginnings that one bad line can have, too


def frames(
    stream: Stream, pattern: FilePattern, max_bytes: int, start: InputPosition, envelope: Envelope | None = None
) -> Frames:
    """Yield the documents of an input from a position on, framed by the pattern's layout.

    Memory holds one block and one document of at most `max_bytes` at a time. `envelope` collects the fields beside
    records.

    Raises:
        VersionMissing: a field of the envelope is the version, and does not precede the records.
    """
    envelope = envelope or Envelope()
    other = _other_content(stream, pattern) if start == START else None
    if other:
        rest = ByteRange(0)
        rest.add_all(stream.read)
        return iter([rest.as_reject(1, other)])
    layouts: dict[str, Callable[[], Frames]] = {
        "ndjson": lambda: lines(stream, max_bytes, start),
        "array": lambda: _elements(stream, Scanner(stream, max_bytes, envelope), "", start),
        "records": lambda: _elements(stream, Scanner(stream, max_bytes, envelope), pattern.records_at or "", start),
        "document": lambda: _whole(stream, max_bytes),
    }
    return layouts[pattern.layout]()


def _other_content(stream: Stream, pattern: FilePattern) -> RejectReason | None:
    """Return why a whole file becomes one reject: it is not JSON, or evidently not one document per line.

    A file that is one document becomes one reject anyway, and a bad line must not hide the documents after it.
    """
    beginning = stream.beginning(LAYOUT_BYTES).removeprefix(BOM)
    found = recognise_format(beginning)
    if found and found[0] != "not_utf8":
        may_be_a_line = pattern.layout == "ndjson" and beginning[:1] in MAY_BE_DAMAGE
        if pattern.layout == "document" or (may_be_a_line and has_object_on_a_line(beginning)):
            found = None
    if found:
        return RejectReason(*found)
    layout = recognise_layout(beginning) if pattern.layout == "ndjson" else None
    if layout and layout.is_on_lines:
        return RejectReason("not_json", "the file does not have one document per line")
    return None


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


def _elements(stream: Stream, scanner: Scanner, pointer: str, start: InputPosition) -> Frames:
    """Yield the elements of the array at a JSON pointer."""
    position = start.position - 1
    try:
        if not start.byte and scanner.is_blank():
            return
        for first_byte, element in scanner.elements(pointer, is_resumed=bool(start.byte)):
            position += 1
            if isinstance(element, ByteRange):
                reason = RejectReason("too_large", f"an element of more than {scanner.max_bytes} bytes")
                yield element.as_reject(position, reason, is_rest=False)
            else:
                yield position, first_byte, element
    except FramingBroken as error:
        rest = scanner.rest()
        broken = rest.add_all(stream.read)
        yield rest.as_reject(position + 1, RejectReason(error.code, broken or error.detail))
