"""Stores batches of answers on its own connection, and reconnects for as long as it takes."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from ml.api.data.answer_rows import add_rows
from ml.api.data.connections import open_for_api
from ml.prediction_tables.answers import make_answers_table
from waybill.backoff import Backoff, is_transient

PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)  # the last one repeats
REPORT_SECONDS = 60.0  # between two log lines about answers that were refused
NO_TABLE = (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege)
OF_ONE_ROW = (errors.DataError, errors.IntegrityError, TypeError, ValueError)
# A large batch may take long; a lock that somebody holds is waited for again and again.
SESSION = {"statement_timeout": "30s", "lock_timeout": "5s"}
MAX_TIMEOUTS = 3  # of a single row, which is then lost

logger = logging.getLogger(__name__)


class AnswerStore:
    """The role api's connection that adds answers; `give_up_at` is when no attempt is repeated any more."""

    def __init__(self, is_closing: threading.Event) -> None:
        """Open nothing yet; pauses are short once the event is set."""
        self.give_up_at = float("inf")
        self._is_closing = is_closing
        self._connection: Connection | None = None
        self._reported_at = float("-inf")

    def write(self, task: str, rows: list[dict[str, Any]]) -> int:
        """Add rows, and return how many were; the others are refused by the database, or it is away for too long.

        A missing table is made. If the database refuses one value of a batch, the other rows are added one by one; a
        batch that takes too long is halved.
        """
        backoff = Backoff(PAUSES_SECONDS, self._is_closing)
        is_to_make = has_tried = False
        timeouts = 0
        while True:
            try:
                if is_to_make:
                    make_answers_table(task)
                    is_to_make = False
                self._add(task, rows)
                return len(rows)
            except Exception as error:  # the thread must not end
                timeouts += isinstance(error, errors.QueryCanceled)
                if parts := _parts(rows, error):
                    return sum(self.write(task, part) for part in parts)
                if is_transient(error) and timeouts < MAX_TIMEOUTS:
                    if not self._pause(backoff, error):
                        return 0
                elif isinstance(error, NO_TABLE) and not has_tried:
                    is_to_make = has_tried = True
                else:
                    self._report(task, error)
                    return 0

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _add(self, task: str, rows: list[dict[str, Any]]) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = open_for_api(**SESSION)
        with self._connection.cursor() as cursor:
            add_rows(cursor, task, rows)

    def _pause(self, backoff: Backoff, error: Exception) -> bool:
        """Wait for the next attempt; return False if there is none."""
        self.close()
        if time.monotonic() >= self.give_up_at:
            return False
        if self._is_closing.is_set():
            time.sleep(PAUSES_SECONDS[0])
        else:
            backoff.wait(type(error)(_without_values(error)))
        return True

    def _report(self, task: str, error: Exception) -> None:
        if time.monotonic() - self._reported_at > REPORT_SECONDS:
            self._reported_at = time.monotonic()
            logger.error("answers cannot be stored task=%s error=%s", task, _without_values(error))


def _parts(rows: list[dict[str, Any]], error: Exception) -> list[list[dict[str, Any]]]:
    """Return the parts of a batch that are added one after the other after an error; empty if that does not help."""
    if len(rows) > 1 and isinstance(error, errors.QueryCanceled):
        middle = len(rows) // 2
        return [rows[:middle], rows[middle:]]
    return [[row] for row in rows] if len(rows) > 1 and isinstance(error, OF_ONE_ROW) else []


def _without_values(error: Exception) -> str:
    """Return an error in one line, without PostgreSQL's details, which quote rows."""
    primary = error.diag.message_primary if isinstance(error, psycopg2.Error) else None
    return " ".join((primary or str(error)).split())
