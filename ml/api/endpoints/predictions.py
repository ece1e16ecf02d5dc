"""`POST /v1/tasks/{task}/predictions`: predicts for one or many rows, by key or from features that are given."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg2
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from ml.api.data.answers import Answer
from ml.api.data.errors import DatabaseAway
from ml.api.endpoints.services import EXPECTED, Services, is_stale
from ml.api.limits import read_body, require_json
from ml.api.mistakes import read_request
from ml.api.models.problem_log import ProblemLog
from ml.api.models.served import ServedModel
from ml.api.problems import Problem, database_away, unreadable
from ml.errors import ModelError
from ml.predict import Model, has_positive_label, most_probable
from waybill.identifiers import uuid7
from waybill.text import counted

MAX_NAMED_KEYS = 20
PATH = "/v1/tasks/{task}/predictions"

logger = logging.getLogger(__name__)

Row = dict[str, float | str | None]
Key = dict[str, Any]


class Predictions:
    """The endpoint."""

    def __init__(self, services: Services) -> None:
        """Answer from these services."""
        self._services = services
        self._away = ProblemLog(logger, "the database is away", EXPECTED, level=logging.WARNING)
        self._unreadable = ProblemLog(logger, "features cannot be read by key", EXPECTED, level=logging.WARNING)

    async def answer(self, request: Request) -> Response:
        """Return the predictions, in the order of the request, of the model that is current when it arrives.

        Raises:
            Problem: the request is wrong, a key is unknown, the model is refused, or the database is away.
        """
        task = self._services.require_task(request.path_params["task"])
        require_json(request)
        body = await read_body(request, self._services.limits.max_bytes)
        served = self._services.model_of(task)
        asked = read_request(body, self._services.schema_of(served))
        keys: Sequence[Key | None]
        if "keys" in asked:
            keys = asked["keys"]
            rows = await self._read(served, asked["keys"])
        else:
            rows = asked["features"]
            keys = [None] * len(rows)
        probabilities = await self._services.joined.predict(served, rows)
        return self._respond(served.model, keys, rows, probabilities)

    async def _read(self, served: ServedModel, keys: list[Key]) -> list[Row]:
        """Return the features of each key.

        Raises:
            Problem: a key is unknown, the mart is not what the task says, or the database is away.
        """
        task = served.model.task
        try:
            found = await self._services.query(self._services.reader.read_features, served.model, keys)
        except DatabaseAway as error:
            self._away.report(task.task, error)
            raise database_away() from None
        except (ModelError, psycopg2.Error) as error:  # a missing mart, or a right that the role api does not have
            self._unreadable.report(task.task, error)
            raise unreadable(task.table) from None
        self._away.forget(task.task)
        unknown = [key for key, row in zip(keys, found, strict=True) if row is None]
        if unknown:
            detail = f"marts.{task.table} has no row with {counted(len(unknown), 'key')} of {len(keys):,}"
            raise Problem(404, "unknown-keys", detail, keys=unknown[:MAX_NAMED_KEYS])
        return [row for row in found if row is not None]

    def _respond(self, model: Model, keys: Sequence[Key | None], rows: list[Row], probabilities: Any) -> Response:
        """Return the answer; it is handed on to be stored once it has been sent."""
        task = model.task.task
        check = self._services.checks.of(task, model.model_id)
        predictions = [
            {"prediction_id": uuid7(), "key": key, **predicted}
            for key, predicted in zip(keys, _predicted(model, probabilities), strict=True)
        ]
        content = {
            "task": task,
            "model_id": model.model_id,
            "is_stale": is_stale(check),
            "changed_batches": list(check.changed_batches) if check else [],
            "checked_at": check.checked_at.astimezone(UTC) if check else None,
            "predictions": predictions,
        }
        self._services.metrics.count_predictions(task, len(rows))
        store = BackgroundTask(self._store, model, rows, predictions)
        return Response(orjson.dumps(content), media_type="application/json", background=store)

    async def _store(self, model: Model, rows: list[Row], predictions: list[dict[str, Any]]) -> None:
        now = datetime.now(UTC)
        answers = [Answer(answered_at=now, features=row, **one) for row, one in zip(rows, predictions, strict=True)]
        self._services.writer.add(model.task.task, model.model_id, answers)


def _predicted(model: Model, probabilities: Any) -> list[dict[str, Any]]:
    """Return what is predicted for each row."""
    if model.is_binary:
        verdicts = has_positive_label(model, probabilities).tolist()
        pairs = zip(probabilities.tolist(), verdicts, strict=True)
        return [{"probability": probability, "is_predicted_positive": verdict} for probability, verdict in pairs]
    labels, classes = most_probable(model, probabilities).tolist(), model.classes
    return [
        {"predicted_label": label, "probabilities": dict(zip(classes, of_row, strict=True))}
        for label, of_row in zip(labels, probabilities.tolist(), strict=True)
    ]
