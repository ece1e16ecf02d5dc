"""Plans a load: the files of each source and the layout to read them by, all checked before anything is landed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from loader.checking.contracts import Contract, read_contract
from loader.declarations import FilePattern, Layout, Source, default_pattern, pattern_as, read_source
from loader.errors import FileRefused, RangeRefused
from loader.file_dates import Days
from loader.landing.feeds import FileFeed
from loader.raw_files import LeftAlone, files_to_load, given_files, suffix_of
from loader.reading.input_files import STANDARD_INPUT, InputFile, identify
from waybill.settings import Settings, relative_name


@dataclass(frozen=True)
class Request:
    """What a user wants to load: sources (all if empty), files or folders, and a layout if it cannot be derived.

    `records_at` is the pointer to the records of layout `records`; None if the declaration says where they are. Of the
    files whose names hold a date, only those that `days` touches are loaded.
    """

    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    layout: Layout | None = None
    dry_run: bool = False
    records_at: str | None = None
    days: Days | None = None


@dataclass(frozen=True)
class SourcePlan:
    """One source with its contract and its files, in the order of their names, and what is in given folders besides."""

    source: Source
    contract: Contract
    feeds: list[FileFeed]
    left_alone: LeftAlone

    def of_run(self, run_id: UUID) -> list[FileFeed]:
        """Return the files' feeds as part of a run."""
        return [replace(feed, run_id=run_id) for feed in self.feeds]


def plan_source(name: str, request: Request, settings: Settings, spool: Callable[[], InputFile]) -> SourcePlan:
    """Plan one source; `spool` is called for standard input.

    Raises:
        LoaderError: the declaration, the contract or a file cannot be used.
    """
    source = read_source(name)
    contract = read_contract(source)
    left = LeftAlone()
    if any(not file.strip() for file in request.files):
        raise FileRefused(
            "a file has an empty name: is a variable not set? Without files, those in data/raw are loaded"
        )
    raw_folder = Path(os.path.abspath(settings.raw_folder))
    if request.files == (STANDARD_INPUT,):
        _require_pattern(source, Path(STANDARD_INPUT), request, raw_folder)
        inputs = [spool()]
    else:
        files = files_to_load(source, settings.raw_folder) if not request.files else []
        if request.files:
            given = [Path(file) for file in request.files]
            files, left = given_files(source, given, settings.raw_folder, takes_all=request.layout is not None)
        files, left.not_in_range = _split_by_range(source, files, request, raw_folder)
        inputs = [identify(path) for path in files]
    pattern_of = _patterns(source, request, raw_folder)
    limit = settings.waybill_max_document_bytes
    is_given = request.layout is not None
    feeds = [
        FileFeed(source, contract, limit, input_file=found, pattern=pattern_of(found.path), is_layout_given=is_given)
        for found in inputs
    ]
    return SourcePlan(source, contract, feeds, left)


def _split_by_range(
    source: Source, files: list[Path], request: Request, raw_folder: Path
) -> tuple[list[Path], list[str]]:
    """Return the files that the requested range touches, or that have no date, and the names of the others."""
    inside: list[Path] = []
    outside: list[str] = []
    for path in files:
        _require_pattern(source, path, request, raw_folder)
        days = source.days_of(path, raw_folder) if request.days else None
        if not days or not request.days or days.touches(request.days):
            inside.append(path)
        else:
            outside.append(os.path.relpath(path, raw_folder))
    return inside, outside


def _require_pattern(source: Source, path: Path, request: Request, raw_folder: Path) -> None:
    """Raise RangeRefused if a date in a given file's name is asked for, and no pattern says where it is."""
    if request.days and not source.pattern_of(path, raw_folder):
        raise RangeRefused(
            f"{path}: --from and --to compare dates in file names, and no pattern of {source.source} matches this "
            f"file: put it in {relative_name(raw_folder)} under a name that a pattern matches, or load it without them"
        )


def _patterns(source: Source, request: Request, raw_folder: Path) -> Callable[[Path], FilePattern]:
    """Return a function that returns the pattern to read a file by.

    The pattern depends on the layout in the request, else on the file's path below the raw folder, else on its suffix.
    """
    layout = request.layout
    if layout and request.records_at is not None:
        given = FilePattern(pattern="*", layout=layout, records_at=request.records_at)
        return lambda path: given
    if layout:
        default = default_pattern(source, layout)
        return lambda path: pattern_as(source, path, default, raw_folder)
    by_suffix = {suffix_of(entry.pattern): entry for entry in reversed(source.files)}
    default = FilePattern(pattern="*", layout="ndjson")

    def pattern_of(path: Path) -> FilePattern:
        return source.pattern_of(path, raw_folder) or by_suffix.get(suffix_of(path.name), default)

    return pattern_of
