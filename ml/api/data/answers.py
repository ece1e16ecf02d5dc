"""Stores the API's answers in the background, in batches: an answer never waits for the database.

1. `add` puts answers into a bounded queue. 2. A thread takes a batch and writes it in one statement, again and again
until it is committed; a row that was committed before the connection was lost is not added twice. 3. What finds no
room, what the database refuses, and what is left when the API ends is lost, and counted.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from ml.api.data.features import Features
from ml.api.data.storing import AnswerStore
from ml.prediction_tables.answers import delete_old_answers
from waybill.settings import get_settings

MAX_WAITING = 20_000  # answers
MAX_WAITING_BYTES = 64 * 1024 * 1024  # of memory; 17,000 answers with 50 numbers have so many
BATCH_ROWS = 500  # are made ready in about a millisecond, for which requests wait
BATCH_BYTES = 8 * 1024 * 1024  # a batch with long texts has fewer rows
ANSWER_BYTES = 500  # of an answer itself, without its features, key and probabilities
GATHER_SECONDS = 0.05
CLOSE_SECONDS = 5.0
RETENTION_SECONDS = 3600.0  # between two deletions of old answers

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One predicted row as it was answered: of two classes with probability and verdict, of more with the label.

    `key` is None if the features were given. `probabilities` has one of each class.
    """

    prediction_id: UUID
    answered_at: datetime
    key: dict[str, Any] | None
    features: Features
    probability: float | None = None
    is_predicted_positive: bool | None = None
    predicted_label: str | None = None
    probabilities: dict[str, float] | None = None


COLUMNS = [field.name for field in fields(Answer)]


@dataclass(frozen=True, slots=True)
class _Waiting:
    task: str
    model_id: str
    answer: Answer
    size: int  # bytes of memory, about


class AnswerWriter:
    """A thread that stores answers in `predictions.<task>_answers`, makes a missing table, and deletes old answers.

    It reconnects for as long as it takes. `waiting` answers are neither `written` nor `lost` yet.
    """

    def __init__(self, *, max_waiting: int = MAX_WAITING, max_bytes: int = MAX_WAITING_BYTES) -> None:
        """Start the thread."""
        self.written = 0
        self.lost = 0
        self.waiting = 0
        self._max_waiting, self._max_bytes = max_waiting, max_bytes
        self._waiting_bytes = 0
        self._queue: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._has_some, self._is_closing = threading.Event(), threading.Event()
        self._store = AnswerStore(self._is_closing)
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self._thread.start()

    def add(self, task: str, model_id: str, answers: Sequence[Answer]) -> None:
        """Take over the answers of one request without blocking; those for which there is no room are lost."""
        given = [_Waiting(task, model_id, answer, _size_of(answer)) for answer in answers]
        with self._lock:
            for one in given:
                if self._has_room(one.size):
                    self.waiting += 1
                    self._waiting_bytes += one.size
                    self._queue.append(one)
                else:
                    self.lost += 1
        self._has_some.set()

    def _has_room(self, size: int) -> bool:
        is_full = self.waiting >= self._max_waiting or self._waiting_bytes + size > self._max_bytes
        return not is_full and not self._is_closing.is_set()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write what is waiting, for so many seconds at most; the rest is lost. Log how many were."""
        self._store.give_up_at = time.monotonic() + timeout
        self._is_closing.set()
        self._has_some.set()
        self._thread.join(timeout)
        with self._lock:
            self._is_closed = True
            self.lost, self.waiting = self.lost + self.waiting, 0
            self._queue.clear()
        if self.lost:
            logger.warning("some answers were not stored lost=%d written=%d", self.lost, self.written)

    def _run(self) -> None:
        clean_at = time.monotonic()
        while not self._is_closing.is_set():
            self._has_some.wait(max(clean_at - time.monotonic(), 0))
            if self._has_some.is_set():
                self._is_closing.wait(GATHER_SECONDS)
                self._write_all()
            if time.monotonic() >= clean_at and not self._is_closing.is_set():
                _delete_old()
                clean_at = time.monotonic() + RETENTION_SECONDS
        self._write_all()
        self._store.close()

    def _write_all(self) -> None:
        while batch := self._take():
            rows = [_row_of(one) for one in batch]
            written = self._store.write(batch[0].task, rows)
            with self._lock:
                if not self._is_closed:
                    self.written += written
                    self.lost += len(rows) - written
                    self.waiting -= len(rows)
                    self._waiting_bytes -= sum(one.size for one in batch)

    def _take(self) -> list[_Waiting]:
        """Return the next batch, of one task, which stays counted as waiting; empty if there is none."""
        batch: list[_Waiting] = []
        size = 0
        with self._lock:
            while self._queue and len(batch) < BATCH_ROWS:
                one = self._queue[0]
                size += one.size
                if batch and (one.task != batch[0].task or size > BATCH_BYTES):
                    break
                batch.append(self._queue.popleft())
            if not batch:
                self._has_some.clear()
        return batch


def _size_of(answer: Answer) -> int:
    """Return about how many bytes of memory an answer takes; its names are shared with others."""
    members = (answer.features, answer.key or {}, answer.probabilities or {})
    return ANSWER_BYTES + sum(sys.getsizeof(one) + sum(map(sys.getsizeof, one.values())) for one in members)


def _row_of(one: _Waiting) -> dict[str, Any]:
    """Return the row by column."""
    return {"model_id": one.model_id, **{name: getattr(one.answer, name) for name in COLUMNS}}


def _delete_old() -> None:
    """Delete the answers that are too old; a failure is logged, and the next hour is another attempt."""
    try:
        deleted = delete_old_answers(get_settings().waybill_api_keep_days)
    except Exception as error:  # the thread must not end
        logger.warning("old answers could not be deleted error=%s", " ".join(str(error).split()))
    else:
        if deleted:
            logger.info("deleted old answers rows=%d", deleted)
