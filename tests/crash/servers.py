"""Finds the processes of an embedded PostgreSQL, so that a test can kill them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import psutil

from warehouse.server_paths import ServerPaths


def processes(paths: ServerPaths) -> list[psutil.Process]:
    """Return the postmaster and its children; an empty list when the server is not running."""
    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        postmaster = psutil.Process(int((paths.data / "postmaster.pid").read_text().splitlines()[0]))
        if str(paths.data) in postmaster.cmdline():
            return [postmaster, *postmaster.children()]
    return []


def backends(paths: ServerPaths) -> Iterator[psutil.Process]:
    """Yield the server processes of the loader's connections."""
    for process in processes(paths)[1:]:
        with suppress(psutil.NoSuchProcess):
            if any("waybill_loader" in argument for argument in process.cmdline()):
                yield process


def kill(victims: Iterable[psutil.Process]) -> None:
    """Send signal 9 to the processes that are still running."""
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
