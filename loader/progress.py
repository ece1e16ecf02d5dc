"""Shows how much of each source's files is landed; on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from loader.landing.batch import FileBatch
from loader.landing.source_load import OnLanded

Begin = Callable[[str, int], OnLanded]


@contextmanager
def progress_bar() -> Iterator[Begin]:
    """Give a function that begins a source's bar, from its name and size, and returns what takes the landed parts."""
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def begin(source: str, size_bytes: int) -> OnLanded:
            task = progress.add_task(source, total=size_bytes)
            read: dict[str, int] = {}

            def landed(batch: FileBatch) -> None:
                digest = batch.feed.input_file.digest
                progress.advance(task, batch.bytes_read - read.get(digest, 0))
                read[digest] = batch.bytes_read

            return landed

        yield begin
