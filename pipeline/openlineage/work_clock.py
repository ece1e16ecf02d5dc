"""Measures the CPU time of a thread, without the garbage collections that happen to run in it.

Python collects the garbage of all threads in the one that allocates next: beside dbt, that takes a third of a second.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import Any


class WorkClock:
    """The seconds of CPU time that a thread has worked: the one that calls this first."""

    def __init__(self) -> None:
        """Wait for the first call."""
        self._thread: int | None = None
        self._began = self._collecting = 0.0

    def __call__(self) -> float:
        """Return the seconds so far."""
        if self._thread is None:
            self._thread = threading.get_ident()
            gc.callbacks.append(self._note)
        return time.thread_time() - self._collecting

    def _note(self, phase: str, _: dict[str, Any]) -> None:
        if threading.get_ident() != self._thread:
            return
        if phase == "start":
            self._began = time.thread_time()
        else:
            self._collecting += time.thread_time() - self._began
