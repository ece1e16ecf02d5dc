"""Shows progress bars of the landed bytes, one for each source, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loader.landing.batch import FileBatch
from loader.landing.source_load import OnLanded
from waybill.text import console

StartBar = Callable[[str, int], OnLanded]


@contextmanager
def progress_bars() -> Iterator[StartBar]:
    """Yield a function that starts the bar of a source of some size, and returns a function for each landed batch."""
    if not sys.stderr.isatty():
        yield lambda source, size_bytes: lambda batch: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    terminal = console(stderr=True)
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()]
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:

        def start_bar(source: str, size_bytes: int) -> OnLanded:
            task = progress.add_task(source, total=size_bytes)
            bytes_read: dict[str, int] = {}

            def advance(batch: FileBatch) -> None:
                digest = batch.feed.input_file.digest
                progress.advance(task, batch.bytes_read - bytes_read.get(digest, 0))
                bytes_read[digest] = batch.bytes_read

            return advance

        yield start_bar
