"""What the routes answer from: the models, their checks, the database and the counters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg2

from ml.api.data.answers import AnswerWriter
from ml.api.data.connections import SIZE
from ml.api.data.errors import DatabaseAway
from ml.api.data.features import FeatureReader
from ml.api.metrics import ApiMetrics, TaskState
from ml.api.models.checks import StoredChecks
from ml.api.models.holder import ModelHolder
from ml.api.models.joined import JoinedPredictions
from ml.api.models.problem_log import ProblemLog
from ml.api.models.refusals import IN_LOG
from ml.api.models.served import ServedModel
from ml.api.problems import Problem
from ml.api.schemas import TaskSchema, describe_request
from ml.checking.checks import Check
from ml.errors import ModelError
from waybill.errors import WaybillError

logger = logging.getLogger(__name__)

QUERIES = SIZE  # at a time; others wait, and do not keep predictions waiting
PREDICTIONS = 2  # for many rows, at a time
QUERY_SECONDS = 10.0  # that a request waits for the database, in all
KEY_TYPE_SECONDS = 3.0  # between two looks at the types of keys, which change if dbt makes a mart with others
EXPECTED = (WaybillError, psycopg2.Error)  # errors of the database, or a model that is refused

Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """The largest request."""

    max_bytes: int
    max_rows: int


@dataclass
class Services:
    """The state of the API's process; only the event loop's thread changes it."""

    tasks: Sequence[str]
    holder: ModelHolder
    checks: StoredChecks
    reader: FeatureReader
    writer: AnswerWriter
    limits: Limits
    metrics: ApiMetrics = field(init=False)
    joined: JoinedPredictions = field(init=False)
    _queries: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(QUERIES, "queries"))
    _predictions: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(PREDICTIONS, "predictions"))
    _schemas: dict[str, tuple[str, TaskSchema]] = field(default_factory=dict)
    _key_types: dict[str, dict[str, str]] = field(default_factory=dict)
    _problems: ProblemLog = field(init=False)

    def __post_init__(self) -> None:
        """Make the counters."""
        self._problems = ProblemLog(logger, "the types of the key cannot be read now", EXPECTED)
        self.metrics = ApiMetrics(self.states, self.writer)
        self.joined = JoinedPredictions(self._predict)

    def require_task(self, task: str) -> str:
        """Return the name of a task that is served.

        Raises:
            Problem: there is none of this name.
        """
        if task not in self.tasks:
            known = ", ".join(self.tasks) or "none is declared"
            raise Problem(404, "unknown-task", f"there is no task {task[:60]!r}: {known}")
        return task

    def model_of(self, task: str) -> ServedModel:
        """Return the model that answers for a task now.

        Raises:
            Problem: it is refused; the log says why.
        """
        try:
            return self.holder.get(self.require_task(task))
        except ModelError:  # the holder has logged it
            detail = f"the current model of {task} is not usable; {IN_LOG}"
            raise Problem(503, "model-refused", detail) from None

    def states(self) -> Iterator[TaskState]:
        """Yield each task with its model and whether that is stale."""
        for task in self.tasks:
            try:
                model_id = self.holder.get(task).model.model_id
            except ModelError:
                yield TaskState(task, None, None)
                continue
            yield TaskState(task, model_id, is_stale(self.checks.of(task, model_id)))

    def schema_of(self, served: ServedModel) -> TaskSchema:
        """Return the schema of a model's requests. While the types of its key are unknown, a key may be any scalar."""
        task, model_id = served.model.task.task, served.model.model_id
        known = self._schemas.get(task)
        if known is None or known[0] != model_id:
            described = describe_request(served.model, self._key_types.get(task, {}), self.limits.max_rows)
            known = self._schemas[task] = (model_id, described)
        return known[1]

    async def learn_key_types(self) -> None:
        """Read the types of each task's key every few seconds."""
        while True:
            await self.read_key_types()
            await asyncio.sleep(KEY_TYPE_SECONDS)

    async def read_key_types(self) -> None:
        """Read the types of each task's key; other ones than before make another schema of requests."""
        for task in self.tasks:
            try:
                found = await self.query(self.reader.key_types, self.holder.get(task).model)
            except Exception as error:  # the next attempt may succeed
                self._problems.report(task, error)
                continue
            self._problems.forget(task)
            if found != self._key_types.get(task):
                self._key_types[task] = found
                self._schemas.pop(task, None)

    async def query(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do work with the database in another thread.

        Raises:
            DatabaseAway: it takes too long; also what the work raises.
        """
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._queries, work, *arguments)
        except TimeoutError:
            raise DatabaseAway(f"the database did not answer within {QUERY_SECONDS:.0f} seconds") from None

    async def _predict(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Predict many rows in another thread."""
        return await asyncio.get_running_loop().run_in_executor(self._predictions, work, *arguments)

    def close(self) -> None:
        """Store the answers that wait, and end the threads and connections."""
        for executor in (self._queries, self._predictions):
            executor.shutdown(cancel_futures=True)
        self.writer.close()
        self.holder.close()
        self.checks.close()
        self.reader.close()


def is_stale(check: Check | None) -> bool | None:
    """Return whether a model's training rows have changed; None if nobody has compared them with today's table."""
    if check is None or (check.is_outdated and not check.is_stale):
        return None
    return check.is_stale
