"""Remembers which works have begun and not ended, so that the next command can close those of a killed process.

Each process has its own file in the state folder and holds a lock on it, which the system releases when the process
ends, however it ends. A file without a lock belongs to a process that was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.openlineage.state_changes import Begun
from waybill.identifiers import uuid7
from waybill.settings import Settings


def journal_folder(settings: Settings) -> Path:
    """Return the folder of the journals."""
    return settings.state_folder / "openlineage"


class Journal:
    """The works of this process that are under way."""

    def __init__(self, settings: Settings) -> None:
        """Name the file, which is made when the first work begins."""
        self._path = journal_folder(settings) / f"{settings.pgdatabase}-{uuid7()}.open"
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._open = 0

    def begin(self, begun: Begun) -> None:
        """Remember that some work has begun, before its process can be killed."""
        with self._lock:
            if self._handle is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                fcntl.flock(self._handle, fcntl.LOCK_EX)
            self._open += 1
            self._write(self._handle, begun.as_json())

    def started(self, begun: Begun) -> None:
        """Remember that the START of some work was sent."""
        with self._lock:
            if self._handle is not None:
                self._write(self._handle, {"started": str(begun.work.run_id)})

    def end(self, begun: Begun) -> None:
        """Forget some work; when none is left, the file is removed."""
        with self._lock:
            if self._handle is None:
                return
            self._open -= 1
            if self._open:
                self._write(self._handle, {"ended": str(begun.work.run_id)})
            else:
                self._path.unlink(missing_ok=True)
                os.close(self._handle)
                self._handle = None

    @staticmethod
    def _write(handle: int, line: dict[str, Any]) -> None:
        os.write(handle, json.dumps(line).encode() + b"\n")


class EndedJournal:
    """The journal of a process that was killed, locked until it is removed or released."""

    def __init__(self, path: Path, handle: int) -> None:
        """Take the file and its lock."""
        self._path, self._handle = path, handle

    def unfinished(self) -> list[tuple[Begun, bool]]:
        """Return the works that did not end, the outermost first, and whether their START was sent.

        A line that was cut off is ignored.
        """
        begun: dict[str, Begun] = {}
        started: set[str] = set()
        for line in self._path.read_bytes().splitlines():
            with suppress(ValueError, KeyError, TypeError):
                kept = json.loads(line)
                if "ended" in kept:
                    begun.pop(kept["ended"], None)
                elif "started" in kept:
                    started.add(kept["started"])
                else:
                    begun[kept["run_id"]] = Begun.from_json(kept)
        return [(one, run_id in started) for run_id, one in begun.items()]

    def close(self, *, is_done: bool) -> None:
        """Remove the file if its works were closed; otherwise the next command tries again."""
        if is_done:
            self._path.unlink(missing_ok=True)
        os.close(self._handle)


def ended_journals(settings: Settings) -> Iterator[EndedJournal]:
    """Yield the journals of this database whose processes were killed. A file is empty until its process locks it."""
    for path in sorted(journal_folder(settings).glob(f"{settings.pgdatabase}-*.open")):
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            continue
        found = os.fstat(handle)
        if found.st_size and found.st_nlink:
            yield EndedJournal(path, handle)
        else:
            os.close(handle)
