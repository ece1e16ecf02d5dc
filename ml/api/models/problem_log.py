"""Logs what keeps work in the background from continuing: each problem once, not at each attempt."""

from __future__ import annotations

import logging

import psycopg2


class ProblemLog:
    """The last problem of each task."""

    def __init__(
        self,
        logger: logging.Logger,
        sentence: str,
        expected: tuple[type[Exception], ...] = (),
        *,
        level: int = logging.INFO,
    ) -> None:
        """Log with this logger, each line beginning with the sentence; `level` is that of expected errors."""
        self._logger, self._sentence, self._expected, self._level = logger, sentence, expected, level
        self._last: dict[str, str] = {}

    def report(self, task: str, error: Exception) -> None:
        """Log an error unless it is the task's last one; PostgreSQL's later lines may hold values of rows."""
        text = str(error).partition("\n")[0] if isinstance(error, psycopg2.Error) else str(error)
        problem = f"{type(error).__name__}: {' '.join(text.split())}"
        if self._last.get(task) != problem:
            level = self._level if isinstance(error, self._expected) else logging.ERROR
            self._logger.log(level, "%s: task=%s error=%s", self._sentence, task, problem)
        self._last[task] = problem

    def forget(self, task: str) -> None:
        """Log the next problem of a task, whatever it is: the work has succeeded."""
        self._last.pop(task, None)
