"""Turns a query that pushes pieces of its result into an iterator that is taken from, by a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Full, Queue
from typing import Any

READING_THREAD = "waybill-reading"
WAITING = 2  # pieces that wait to be taken


class Stopped(Exception):
    """Raised within the thread when nobody takes its pieces any more."""


@contextmanager
def taken_from(cursor: Any, push: Callable[[Callable[[Any], None]], None]) -> Iterator[Iterator[Any]]:
    """Run `push` in a thread and yield an iterator over what it pushes. Leaving the block early cancels its query."""
    queue: Queue[Any] = Queue(WAITING)
    is_stopped, is_read = threading.Event(), threading.Event()

    def put(item: Any) -> None:
        while not is_stopped.is_set():
            try:
                return queue.put(item, timeout=0.2)
            except Full:
                continue
        raise Stopped

    def work() -> None:
        try:
            push(put)
            is_read.set()
            put(None)
        except Stopped:
            pass
        except BaseException as error:
            with suppress(Stopped):
                put(error)

    thread = threading.Thread(target=work, name=READING_THREAD, daemon=True)
    thread.start()
    try:
        yield _taken(queue)
    finally:
        is_stopped.set()
        if not is_read.is_set():
            cursor.connection.cancel()
        thread.join()


def _taken(queue: Queue[Any]) -> Iterator[Any]:
    while (item := queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
