"""Keeps Python's search for cyclic garbage from going through the records of a poll while they are made."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

SWEEP_SECONDS = 5.0


class GcPauses:
    """Cyclic garbage, collected now and then between polls.

    Records are no cycles, but there are tens of thousands of them: with the interpreter's own timing, a tenth of the
    consumer's time goes into looking through them.
    """

    def __init__(self) -> None:
        """Begin to count the time."""
        self._swept_at = time.monotonic()

    @contextmanager
    def swept_by_hand(self) -> Iterator[None]:
        """Collect only in `sweep`, until it is left; what has been made before is not looked through again."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            gc.unfreeze()

    def sweep(self) -> None:
        """Collect if that was not done for some seconds."""
        now = time.monotonic()
        if now - self._swept_at >= SWEEP_SECONDS:
            gc.collect()
            self._swept_at = now
