"""Loads sources: finds their files, lands each, and says what became of the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from loader.contracts import Contract, read_contract
from loader.declarations import FilePattern, Layout, Source, files_to_load, read_source, source_names
from loader.framing import Unframed
from loader.inputs import STANDARD_INPUT, InputFile, identify, spooled_standard_input
from loader.landing import Delivery, Tally, land, rehearse
from warehouse.connection import connect
from warehouse.runs import recorded_run
from warehouse.schema import ensure_raw_tables
from warehouse.settings import Settings, get_settings


@dataclass
class LoadResult:
    """What a load did: a tally a source, and how many files were new or known."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    new_files: int = 0
    known_files: int = 0

    @property
    def rows(self) -> int:
        """Documents that were landed."""
        return sum(tally.landed for tally in self.tallies.values())

    @property
    def summary(self) -> str:
        """One line for a person."""
        if not self.new_files:
            return f"nothing new: all {self.known_files} files were landed before"
        rejected = sum(tally.rejected for tally in self.tallies.values())
        skipped = sum(tally.skipped for tally in self.tallies.values())
        return (
            f"{self.rows:,} documents landed, {rejected:,} rejected, {skipped:,} skipped;"
            f" {self.new_files} files new, {self.known_files} known"
        )

    def add(self, source: str, tally: Tally) -> None:
        """Count one file's outcome."""
        total = self.tallies.setdefault(source, Tally())
        total.read += tally.read
        total.landed += tally.landed
        total.rejected += tally.rejected
        total.skipped += tally.skipped
        for reason, count in tally.reasons.items():
            total.reasons[reason] = total.reasons.get(reason, 0) + count
        self.new_files += tally.is_new
        self.known_files += not tally.is_new


@dataclass(frozen=True)
class Request:
    """What a user asks for: sources (all when empty), files or folders, the layout where it cannot be known."""

    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    layout: Layout | None = None
    dry_run: bool = False


def load(request: Request | None = None, *, on_reject: Callable[[str, Unframed], None] | None = None) -> LoadResult:
    """Land what is asked for, file by file, each in a transaction of its own.

    Declarations, contracts and files are checked before anything is written.

    Raises:
        LoaderError: a source, contract or file cannot be used.
        psycopg2.Error: the server failed; the files landed before stay landed.
    """
    request = request or Request()
    settings = get_settings()
    plan = [_planned(name, request, settings) for name in request.sources or source_names()]
    result = LoadResult()
    if request.dry_run:
        for source, contract, files in plan:
            for delivery in _deliveries(source, contract, files, (request, settings, None)):
                report = partial(on_reject or _unheard, delivery.input_file.name)
                result.add(source.source, rehearse(delivery, report, _silent))
        return result
    owner = connect("owner")
    ensure_raw_tables(owner, [source.source for source, _, _ in plan])
    owner.close()
    command = " ".join(["load", *request.sources, *request.files])
    connection = connect("loader")
    try:
        with recorded_run(command) as run_id, _progress_bar() as bar:
            for source, contract, files in plan:
                for delivery in _deliveries(source, contract, files, (request, settings, run_id)):
                    result.add(source.source, land(connection, delivery, bar(delivery.input_file)))
    finally:
        connection.close()
    return result


def _planned(name: str, request: Request, settings: Settings) -> tuple[Source, Contract, list[Path]]:
    source = read_source(name)
    contract = read_contract(source)
    if request.files == (STANDARD_INPUT,):
        return source, contract, []
    return source, contract, files_to_load(source, [Path(file) for file in request.files], settings.raw_folder)


def _deliveries(
    source: Source, contract: Contract, files: list[Path], context: tuple[Request, Settings, UUID | None]
) -> Iterator[Delivery]:
    request, settings, run_id = context

    def delivery(input_file: InputFile, pattern: FilePattern) -> Delivery:
        return Delivery(input_file, source, pattern, contract, run_id, settings.waybill_max_document_bytes)

    if not files:
        with spooled_standard_input() as input_file:
            yield delivery(input_file, _pattern(source, input_file.path, request, settings))
        return
    for path in files:
        yield delivery(identify(path), _pattern(source, path, request, settings))


def _pattern(source: Source, path: Path, request: Request, settings: Settings) -> FilePattern:
    """Return how a file is read: as it was said, as its place below the raw folder says, else by its ending.

    Records whose place is not declared stand under the source's own name.
    """
    if request.layout:
        records_at = next((entry.records_at for entry in source.files if entry.records_at), f"/{source.source}")
        return FilePattern(pattern="*", layout=request.layout, records_at=records_at)
    declared = source.pattern_of(path, settings.raw_folder)
    if declared:
        return declared
    by_ending = (entry for entry in source.files if _ending(Path(entry.pattern)) == _ending(path))
    return next(by_ending, None) or FilePattern(pattern="*", layout="ndjson")


def _ending(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[2]


def _unheard(name: str, reject: Unframed) -> None:
    pass


def _silent(bytes_read: int) -> None:
    pass


@contextmanager
def _progress_bar() -> Iterator[Callable[[InputFile], Callable[[int], None]]]:
    """Show how much of each file is read; on a terminal only."""
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def start(input_file: InputFile) -> Callable[[int], None]:
            task = progress.add_task(input_file.name, total=input_file.size_bytes)
            return lambda bytes_read: progress.update(task, completed=bytes_read)

        yield start
