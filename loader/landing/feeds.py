"""Feeds: where documents come from, and how they are checked. This module has the base class and the feed of files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from loader.checking.checker import Checker
from loader.checking.contracts import Contract
from loader.declarations import FilePattern, Source
from loader.reading.byte_ranges import START, InputPosition
from loader.reading.input_files import InputFile
from loader.reading.readings import Reading, reading_of

FeedKind = Literal["file", "kafka", "replay"]


@dataclass(frozen=True, slots=True)
class Feed:
    """What all documents of a batch share: source, contract, size limit, and the run that lands them.

    `kind` is the feed's name in the ledger.
    """

    kind: ClassVar[FeedKind]

    source: Source
    contract: Contract
    max_bytes: int
    run_id: UUID | None = None

    def checker(self, drift: Counter[tuple[str, str]]) -> Checker:
        """Return a checker for the feed's documents, which counts unknown fields in `drift`."""
        return Checker(self.contract, self.max_bytes, drift)


@dataclass(frozen=True, slots=True)
class UndoneRange:
    """What is left to read again of an undone batch: from `start` up to, but not including, the position `end`."""

    batch_id: UUID
    input_id: UUID
    start: InputPosition
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFeed(Feed):
    """One file, how its documents are framed, and the position where reading starts.

    `is_layout_given` is true if the user gave the layout. `replaces` is the input of an earlier reading of the same
    content, which landed nothing and which this one replaces. `undone` are the ranges of undone batches, one after the
    other without a gap, if only they are read.
    """

    kind: ClassVar[FeedKind] = "file"

    input_file: InputFile
    pattern: FilePattern
    start: InputPosition = START
    is_layout_given: bool = False
    replaces: UUID | None = None
    undone: tuple[UndoneRange, ...] = ()

    @property
    def reading(self) -> Reading:
        """How the file is read, as the ledger records it."""
        return reading_of(self.pattern)
