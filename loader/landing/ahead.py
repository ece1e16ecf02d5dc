"""Runs an iterator ahead in a thread, so that Python frames and checks while PostgreSQL stores."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from typing import Generic, TypeVar

SWITCH_SECONDS = 0.0005  # at Python's default of 5 ms each answer of the server waits for the framing thread

Item = TypeVar("Item")


@contextmanager
def running_ahead(items: Generator[Item]) -> Iterator[Iterator[Item]]:
    """Give the items of a generator that runs in a thread, one item ahead; it is closed whatever ends the block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    runner = _Runner(items)
    try:
        yield iter(runner.take, None)
    finally:
        runner.stop()
        sys.setswitchinterval(before)


class _Runner(Generic[Item]):
    def __init__(self, items: Generator[Item]) -> None:
        self._queue: Queue[Item | BaseException | None] = Queue(maxsize=1)
        self._is_stopped = threading.Event()
        self._items = items
        self._thread = threading.Thread(target=self._run, name="waybill-framing", daemon=True)
        self._thread.start()

    def take(self) -> Item | None:
        """Return the next item, None at the end; raises what the generator raised."""
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def stop(self) -> None:
        self._is_stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)
        finally:
            self._items.close()

    def _put(self, item: Item | BaseException | None) -> bool:
        while not self._is_stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except Full:
                continue
            return True
        return False
