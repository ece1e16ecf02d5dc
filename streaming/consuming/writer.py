"""A thread that lands polls in their order while the next ones are fetched; it waits for a database that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from queue import Empty, Full, Queue

from psycopg2.extensions import connection as Connection

from streaming.consuming.landing import Landed, Range, land
from warehouse.connection import connect, forget
from waybill.backoff import Backoff, is_transient

POLLS_AHEAD = 2


class Writer:
    """Takes polls through a short queue and gives back what became of them, in the same order."""

    def __init__(self) -> None:
        """Begin to wait for polls."""
        self._queue: Queue[Sequence[Range] | None] = Queue(maxsize=POLLS_AHEAD)
        self._landed: Queue[list[Landed]] = Queue()
        self._under_way = 0
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._error: BaseException | None = None
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="waybill-landing", daemon=True)
        self._thread.start()

    def offer(self, ranges: Sequence[Range], seconds: float) -> bool:
        """Hand a poll over; false when there is no room in the given time. Raises what stopped the thread."""
        self._raise()
        try:
            self._queue.put(ranges, timeout=seconds)
        except Full:
            return False
        self._under_way += 1
        return True

    @property
    def is_idle(self) -> bool:
        """Whether all that was handed over has been given back."""
        return not self._under_way

    def landed(self) -> list[Landed]:
        """Return what has been landed or lost since the last call. Raises what stopped the thread."""
        found: list[Landed] = []
        while True:
            try:
                found += self._landed.get_nowait()
                self._under_way -= 1
            except Empty:
                self._raise()
                return found

    def close(self, seconds: float) -> None:
        """Land what was handed over, for at most so long and while the database is there; the rest is read again."""
        self._closing.set()
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < deadline:
            try:
                self._queue.put(None, timeout=0.1)
                break
            except Full:
                continue
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._abandoned.set()

    def _raise(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            while (ranges := self._queue.get()) is not None and not self._abandoned.is_set():
                self._landed.put(self._land_at_last(ranges))
        except BaseException as error:
            self._error = error
        finally:
            if self._connection:
                self._connection.close()

    def _land_at_last(self, ranges: Sequence[Range]) -> list[Landed]:
        """Land a poll however often the database goes away.

        A commit whose answer was lost shows at the next try: the partition is past the range then, and the range counts
        as lost, which only means that the consumer goes on from the ledger's offset.
        """
        backoff = Backoff(stopping=self._closing)
        while not self._abandoned.is_set():
            try:
                self._connection = self._connection or connect("loader")
                return land(self._connection, ranges)
            except Exception as error:
                if not is_transient(error):
                    raise
                self._reconnect()
                if not backoff.wait(error):
                    self._abandoned.set()
        return []

    def _reconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None
        forget()  # an embedded server that was killed is started again by the next connection
