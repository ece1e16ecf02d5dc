"""Locks a file or a folder, so that commands of one clone take turns; a killed command releases its lock."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RETRY_SECONDS, QUIET_SECONDS = 0.05, 1.0

logger = logging.getLogger(__name__)


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def file_lock(path: Path, waiting: str = "") -> Iterator[None]:
    """Hold the lock on a file or a folder during the block; wait while another process holds it.

    A file that does not exist is created, with its folder. After a second of waiting, the line `waiting` is logged.
    """
    if path.is_dir():
        handle = os.open(path, os.O_RDONLY)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _is_taken_soon(handle):
            if waiting:
                logger.warning(waiting)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_taken_soon(handle: int) -> bool:
    until = time.monotonic() + QUIET_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(RETRY_SECONDS)
        else:
            return True
