"""What is profiled: files, or what has landed in a raw table. Each can be read several times, and must not change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loader.declarations import FilePattern, Layout
from loader.raw_files import LeftAlone
from loader.reading.byte_ranges import START, Frame
from loader.reading.framing import frames
from loader.reading.input_files import STANDARD_INPUT, InputFile, identify, opened, stamp_of
from loader.reading.streams import open_stream
from pipeline.errors import ModellingRefused
from pipeline.modelling.inputs import found_files
from pipeline.modelling.profiling.reading.layouts import patterns_of
from waybill.settings import get_settings

FRAMES = 500  # between two moves of the progress bar

Advance = Callable[[int], object]  # is called with the number of bytes that were read


class Input(Protocol):
    """Documents that can be read several times. `path` is None for what is not a file of the user."""

    @property
    def path(self) -> Path | None:
        """The file."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def pattern(self) -> FilePattern:
        """How its documents are laid out."""

    @property
    def size_bytes(self) -> int:
        """How much there is to read; 0 if it is not known."""

    def frames(self, advance: Advance) -> Iterator[Frame]:
        """Yield the documents, and the rejects where bytes cannot be framed."""

    def check_unchanged(self) -> None:
        """Raise ModellingRefused if the documents are not those that were there at first."""


@dataclass(frozen=True)
class FileInput:
    """A file, read by the framing of the loader."""

    path: Path | None
    name: str
    pattern: FilePattern
    size_bytes: int
    file: InputFile

    def frames(self, advance: Advance) -> Iterator[Frame]:
        """Yield the file's documents."""
        read = 0
        max_bytes = get_settings().waybill_max_document_bytes
        with open_stream(self.file) as stream:
            for number, frame in enumerate(frames(stream, self.pattern, max_bytes, START)):
                if number % FRAMES == 0:
                    advance(stream.bytes_read - read)
                    read = stream.bytes_read
                yield frame
            advance(stream.bytes_read - read)

    def check_unchanged(self) -> None:
        """Check the file's stamp, and all of its bytes if the stamp differs.

        Raises:
            ModellingRefused: the file has changed since it was first read.
        """
        with opened(self.file.path) as file:
            if stamp_of(file) == self.file.stamp:
                return
        if identify(self.file.path).digest != self.file.digest:
            raise ModellingRefused(
                f"{self.name} changed while it was read: run the same command again when it is complete"
            )


@contextmanager
def file_inputs(
    source: str, given: Sequence[str | Path], layout: Layout | None, records_at: str | None
) -> Iterator[tuple[list[FileInput], LeftAlone]]:
    """Yield the inputs of files, folders or standard input (`-`, which is spooled), and what is left alone in folders.

    Raises:
        LoaderError, ModellingRefused: a file cannot be read, a folder has none, or a layout is not clear.
    """
    names = tuple(map(str, given))
    is_spooled = names == (STANDARD_INPUT,)
    with found_files(source, names, layout) as (paths, left):
        by_content = {os.path.realpath(path): path for path in reversed(paths)}  # a link does not count twice
        found = [identify(path, name=STANDARD_INPUT if is_spooled else None) for path in sorted(by_content.values())]
        patterns = patterns_of(found, source, layout, records_at)
        yield (
            [
                FileInput(None if is_spooled else each.path, each.name, pattern, each.size_bytes, each)
                for each, pattern in zip(found, patterns, strict=True)
            ],
            left,
        )
