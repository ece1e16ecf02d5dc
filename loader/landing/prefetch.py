"""Runs an iterator one item ahead in a thread: Python frames and checks documents while PostgreSQL stores."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from typing import Generic, TypeVar

SWITCH_SECONDS = 0.0005  # with Python's default of 5 ms, every answer of the server waits for the prefetching thread

Item = TypeVar("Item")


@contextmanager
def prefetched(items: Generator[Item]) -> Iterator[Iterator[Item]]:
    """Yield an iterator over a generator that runs in a thread, one item ahead. Leaving the block closes both."""
    default_seconds = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    prefetcher = _Prefetcher(items)
    try:
        yield iter(prefetcher.take, None)
    finally:
        prefetcher.stop()
        sys.setswitchinterval(default_seconds)


class _Prefetcher(Generic[Item]):
    def __init__(self, items: Generator[Item]) -> None:
        self._queue: Queue[Item | BaseException | None] = Queue(maxsize=1)
        self._is_stopped = threading.Event()
        self._items = items
        self._thread = threading.Thread(target=self._run, name="waybill-framing", daemon=True)
        self._thread.start()

    def take(self) -> Item | None:
        """Return the next item, None at the end. Raise what the generator raised."""
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
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
        """Put an item into the queue as soon as there is room; return False if the thread must stop instead."""
        while not self._is_stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except Full:
                continue
            return True
        return False
