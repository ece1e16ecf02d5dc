"""Finds the processes of an embedded PostgreSQL, so that a test can kill them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import psutil

from warehouse import embedded
from warehouse.errors import WarehouseError
from warehouse.server_paths import ServerPaths

BEGIN_SECONDS = 180
RECOVERY_SECONDS = 300


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


def suspend_at_work(process_id: int, has_begun: Callable[[], bool], seconds: float) -> bool:
    """Suspend a command some seconds after it has begun its work; return False if it had ended by then.

    While it is suspended, it cannot end: what is killed now is killed during its work.
    """
    until = time.monotonic() + BEGIN_SECONDS
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(process_id)
        while not has_begun() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until, "the command does not begin"
            time.sleep(0.01)
        time.sleep(seconds)
        process.suspend()
        while (status := process.status()) not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            time.sleep(0.001)
        return status == psutil.STATUS_STOPPED
    return False


def resume(process_id: int) -> None:
    """Let a suspended command continue, unless it was killed."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(process_id).resume()


def start_again(paths: ServerPaths) -> None:
    """Start the server unless it is running, and wait until it has recovered from a crash."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            embedded.start(paths)
        except WarehouseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
