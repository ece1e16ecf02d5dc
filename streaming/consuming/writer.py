"""A thread that lands polls in order while the next ones are fetched. It waits for a database that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from queue import Empty, Full, Queue

from psycopg2.extensions import connection as Connection

from streaming.consuming.landing import BatchResult, PartitionBatch, land_poll
from warehouse.connection import connect, forget
from waybill.backoff import Backoff, is_transient

MAX_QUEUED_POLLS = 2


class Writer:
    """Takes polls through a short queue and returns their results in the same order."""

    def __init__(self) -> None:
        """Start the thread."""
        self._queue: Queue[Sequence[PartitionBatch] | None] = Queue(maxsize=MAX_QUEUED_POLLS)
        self._landed: Queue[list[BatchResult]] = Queue()
        self._in_flight = 0
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._error: BaseException | None = None
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="waybill-landing", daemon=True)
        self._thread.start()

    def offer(self, batches: Sequence[PartitionBatch], seconds: float) -> bool:
        """Queue a poll's batches; return False when the queue stays full. Raise what stopped the thread."""
        self._raise_error()
        try:
            self._queue.put(batches, timeout=seconds)
        except Full:
            return False
        self._in_flight += 1
        return True

    @property
    def is_idle(self) -> bool:
        """True when the result of every queued poll has been collected."""
        return not self._in_flight

    def landed(self) -> list[BatchResult]:
        """Return the results since the last call. Raise what stopped the thread."""
        results: list[BatchResult] = []
        while True:
            try:
                results += self._landed.get_nowait()
                self._in_flight -= 1
            except Empty:
                self._raise_error()
                return results

    def close(self, seconds: float) -> None:
        """Land the queued polls, for at most `seconds` and only while the database is available."""
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

    def _raise_error(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            while (batches := self._queue.get()) is not None and not self._abandoned.is_set():
                self._landed.put(self._land_with_retries(batches))
        except BaseException as error:
            self._error = error
        finally:
            if self._connection:
                self._connection.close()

    def _land_with_retries(self, batches: Sequence[PartitionBatch]) -> list[BatchResult]:
        """Land a poll, again after each transient error.

        If the answer to a commit is lost, the partition is already past the batch at the next try. The batch then
        counts as lost to another consumer, which only means that reading continues at the ledger's offset.
        """
        backoff = Backoff(stopping=self._closing)
        while not self._abandoned.is_set():
            try:
                self._connection = self._connection or connect("loader")
                return land_poll(self._connection, batches)
            except Exception as error:
                if not is_transient(error):
                    raise
                self._disconnect()
                if not backoff.wait(error):
                    self._abandoned.set()
        return []

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None
        forget()  # the next connection restarts an embedded server that was killed
