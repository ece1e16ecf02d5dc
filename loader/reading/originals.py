"""Finds the file that an input was read from, if it is still what it was, and reads a range of it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from loader.declarations import Layout, pattern_as, read_source
from loader.errors import FileRefused
from loader.reading.framing import frames
from loader.reading.inputs import BrokenStream, InputFile, identify, open_stream
from loader.reading.ranges import InputPosition, Reject, Rest, fingerprint
from waybill.settings import PROJECT, get_settings


def find_original(names: Iterable[str], digest: str) -> InputFile | None:
    """Return the first file of these names that has the content with this digest."""
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
    """Return the command that reads a message again, while its topic has it."""
    return f"`python -m streaming.message {name}:{position}`"


def read_range(original: InputFile, first_byte: int, length: int, mark: UUID) -> bytes | None:
    """Return a range of the decompressed content; None when its fingerprint is another."""
    found = b"".join(_pieces(original, first_byte, length))
    return found if UUID(bytes=fingerprint(found)) == mark else None


def read_beginning(original: InputFile, first_byte: int, length: int, mark: UUID) -> bytes | None:
    """Return as much of a range of any length as a reject keeps of it; None when its fingerprint is another."""
    measure = _measured(original, first_byte, length, lambda piece: None)
    return measure.beginning if measure.fingerprint == mark else None


def copy_range(original: InputFile, first_byte: int, length: int, mark: UUID, target: BinaryIO) -> bool:
    """Write a range of any length to a file; return whether it has the fingerprint."""
    return _measured(original, first_byte, length, target.write).fingerprint == mark


def _measured(original: InputFile, first_byte: int, length: int, take: Callable[[bytes], object]) -> Rest:
    """Hand on a range piece by piece; return its fingerprint and beginning."""
    measure = Rest(first_byte)
    for piece in _pieces(original, first_byte, length):
        measure.add(piece)
        take(piece)
    return measure


def _pieces(original: InputFile, first_byte: int, length: int) -> Iterator[bytes]:
    """Yield a range of the decompressed content; less of it where the file does not hold it."""
    missing = length
    with open_stream(original, first_byte) as stream, suppress(BrokenStream):
        while missing > 0 and (block := stream.read()):
            if stream.offset > first_byte:  # a BOM, which the stream passed over
                return
            yield block[:missing]
            missing -= len(block)


@dataclass(frozen=True)
class FoundDocument:
    """A document's bytes as its file holds them."""

    document: bytes
    fingerprint: bytes


def read_document(
    original: InputFile, read_as: tuple[str, Layout], behind: tuple[int, int], position: int
) -> FoundDocument | None:
    """Frame a file again from the place where a batch begins, and return the document at a position of it.

    Raises:
        LoaderError: the source is not declared any more, or the file cannot be read.
    """
    source, layout = read_as
    settings = get_settings()
    pattern = pattern_as(read_source(source), original.path, layout, settings.raw_folder)
    start = InputPosition(*behind)
    with open_stream(original, start.byte) as stream:
        for frame in frames(stream, pattern, settings.waybill_max_document_bytes, start):
            if not isinstance(frame, Reject) and frame[0] == position:
                return FoundDocument(frame[2], fingerprint(frame[2]))
    return None
