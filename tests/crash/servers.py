"""The processes of an embedded PostgreSQL, so that a test can kill them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import psutil

from warehouse.server_paths import ServerPaths


def processes(place: ServerPaths) -> list[psutil.Process]:
    """Return the postmaster and its children; none when the server is not up."""
    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        postmaster = psutil.Process(int((place.data / "postmaster.pid").read_text().splitlines()[0]))
        if str(place.data) in postmaster.cmdline():
            return [postmaster, *postmaster.children()]
    return []


def backends(place: ServerPaths) -> Iterator[psutil.Process]:
    """Yield the processes that serve the loader's login."""
    for process in processes(place)[1:]:
        with suppress(psutil.NoSuchProcess):
            if any("waybill_loader" in part for part in process.cmdline()):
                yield process


def kill(victims: Iterable[psutil.Process]) -> None:
    """Kill -9 those that are still there."""
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
