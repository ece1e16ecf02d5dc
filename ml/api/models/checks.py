"""The stored checks of the models that are served, read in the background, so that no answer waits for the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg2

from ml.api.data.connections import Connections
from ml.api.models.problem_log import ProblemLog
from ml.checking.checks import Check, select_checks
from waybill.errors import WaybillError

logger = logging.getLogger(__name__)

SECONDS = 5.0  # between two readings of a task's checks
FIRST_SECONDS = 1.0  # that a new model waits for its check
MODELS = 2  # of a task, those asked for last: one that still answers, and one that will be served next
PROBLEM = "checks cannot be read now, so the last known ones count"

Read = Callable[[str, list[str]], dict[str, Check]]


class StoredChecks:
    """Reads the checks of the models that were asked for every few seconds, in a thread; keeps the last known ones."""

    def __init__(self, read: Read | None = None, *, seconds: float = SECONDS) -> None:
        """Start the thread. `read` returns model id → check of a task's models; by default from the database."""
        self._connections = Connections(size=1)
        self._read_checks, self._seconds = read or self._select, seconds
        self._asked: dict[str, list[str]] = {}  # task → ids of models, the one that was asked for last at the end
        self._known: dict[str, dict[str, Check | None]] = {}
        self._problems = ProblemLog(logger, PROBLEM, (WaybillError, psycopg2.Error))
        self._changed = threading.Condition()
        self._is_new = self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="checks", daemon=True)
        self._thread.start()

    def of(self, task: str, model_id: str) -> Check | None:
        """Return a model's check from the last reading, without waiting; None if there was none, or no database."""
        if model_id not in self._asked.get(task, []):
            self._ask(task, model_id)
        return self._known.get(task, {}).get(model_id)

    def learn(self, task: str, model_id: str) -> None:
        """Ask for the check of a model that will be served, and wait a moment until it is known."""
        self._ask(task, model_id)
        with self._changed:
            self._changed.wait_for(lambda: model_id in self._known.get(task, {}), FIRST_SECONDS)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(FIRST_SECONDS)
        self._connections.close()

    def _ask(self, task: str, model_id: str) -> None:
        with self._changed:
            asked = self._asked.get(task, [])
            self._asked[task] = [*[other for other in asked if other != model_id], model_id][-MODELS:]
            if model_id not in asked:
                self._is_new = True
                self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_new or self._is_closed, self._seconds)
                if self._is_closed:
                    return
                self._is_new = False
                asked = dict(self._asked)
            for task, model_ids in asked.items():
                self._read(task, model_ids)

    def _read(self, task: str, model_ids: list[str]) -> None:
        try:
            found = self._read_checks(task, model_ids)
        except Exception as error:  # the thread must live on
            self._problems.report(task, error)
            return
        self._problems.forget(task)
        with self._changed:
            kept = {one: check for one, check in self._known.get(task, {}).items() if one in self._asked[task]}
            self._known[task] = kept | {model_id: found.get(model_id) for model_id in model_ids}
            self._changed.notify_all()

    def _select(self, task: str, model_ids: list[str]) -> dict[str, Check]:
        return self._connections.run(lambda cursor: select_checks(cursor, task, model_ids))
