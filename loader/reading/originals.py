"""Finds the file that an input was read from, if its content is unchanged, and reads ranges of it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, cast
from uuid import UUID

from loader.declarations import FilePattern, Layout, default_pattern, pattern_as, read_source
from loader.errors import FileRefused
from loader.reading.byte_ranges import ByteRange, InputPosition, Reject, fingerprint
from loader.reading.framing import frames
from loader.reading.input_files import InputFile, identify
from loader.reading.readings import Reading
from loader.reading.streams import BrokenStream, open_stream
from waybill.cli import shown_command
from waybill.settings import PROJECT, get_settings


def find_original(names: Iterable[str], digest: str) -> InputFile | None:
    """Return the first file with one of these names whose content has this digest."""
    for name in names:
        path = PROJECT / name
        if path.is_file():
            try:
                found = identify(path)
            except FileRefused:
                continue
            if found.digest == digest:
                return found
    return None


def message_command(name: str, position: int) -> str:
    """Return the command that prints a message, as long as its topic has it."""
    return f"`{shown_command(f'message {name}:{position}')}`"


def read_range(original: InputFile, first_byte: int, length: int, expected: UUID) -> bytes | None:
    """Return a range of the decompressed content; None if its fingerprint is not the expected one."""
    found = b"".join(_pieces(original, first_byte, length))
    return found if UUID(bytes=fingerprint(found)) == expected else None


def read_beginning(original: InputFile, first_byte: int, length: int, expected: UUID) -> bytes | None:
    """Return as much of a range of any length as a reject keeps; None if the fingerprint is not the expected one."""
    found = _measure(original, first_byte, length, lambda piece: None)
    return found.beginning if found.fingerprint == expected else None


def copy_range(original: InputFile, first_byte: int, length: int, expected: UUID, target: BinaryIO) -> bool:
    """Write a range of any length to a file; return whether its fingerprint is the expected one."""
    return _measure(original, first_byte, length, target.write).fingerprint == expected


def _measure(original: InputFile, first_byte: int, length: int, use: Callable[[bytes], object]) -> ByteRange:
    """Call `use` with each piece of a range; return the range with its fingerprint and beginning."""
    found = ByteRange(first_byte)
    for piece in _pieces(original, first_byte, length):
        found.add(piece)
        use(piece)
    return found


def _pieces(original: InputFile, first_byte: int, length: int) -> Iterator[bytes]:
    """Yield a range of the decompressed content, or less of it if the file ends before."""
    missing = length
    with open_stream(original, first_byte) as stream, suppress(BrokenStream):
        while missing > 0 and (block := stream.read()):
            if stream.offset > first_byte:  # the stream skipped a byte order mark, which is part of no document
                return
            yield block[:missing]
            missing -= len(block)


def read_document(
    original: InputFile, source: str, reading: Reading, start: InputPosition, position: int
) -> bytes | None:
    """Frame a file again from the position where a batch starts; return the document at a position of that batch.

    Where an older Waybill kept no pointer to the records, they are where the declaration says.

    Raises:
        LoaderError: the source is not declared any more, or the file cannot be read.
    """
    settings = get_settings()
    layout = cast(Layout, reading.layout)
    if layout != "records":
        pattern = FilePattern(pattern="*", layout=layout)
    elif reading.records_at is None:
        declared = read_source(source)
        pattern = pattern_as(declared, original.path, default_pattern(declared, layout), settings.raw_folder)
    else:
        pattern = FilePattern(pattern="*", layout=layout, records_at=reading.records_at)
    with open_stream(original, start.byte) as stream:
        for frame in frames(stream, pattern, settings.waybill_max_document_bytes, start):
            if not isinstance(frame, Reject) and frame[0] == position:
                return frame[2]
    return None
