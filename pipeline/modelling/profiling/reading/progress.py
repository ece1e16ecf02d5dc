"""Shows a progress bar of the bytes that were read, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pipeline.modelling.profiling.reading.inputs import Advance
from waybill.text import console


@contextmanager
def progress_bar(what: str, size_bytes: int) -> Iterator[Advance]:
    """Yield a function that takes the number of bytes that were read since its last call."""
    terminal = console(stderr=True)
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()]
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task(what, total=size_bytes or None)
        yield lambda size: progress.advance(task, size)
