"""`GET /v1/tasks` and `GET /v1/tasks/{task}/model`: what is served, and the manifest of a task's model."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ml.api.endpoints.services import Services, is_stale
from ml.api.models.refusals import kind_of
from ml.erasing.marks import erased_rows
from ml.errors import ModelError


class ServedTask(BaseModel):
    """A task; `reason` says in which way its model is refused."""

    model_config = ConfigDict(protected_namespaces=())

    task: str
    status: Literal["ready", "refused"]
    model_id: str | None = None
    is_stale: bool | None = Field(default=None, description="null: not known")
    erased_rows: int = Field(default=0, description="rows that the model learnt and that are erased, at most")
    kind: Literal["binary", "multi-class"] | None = None
    table: str | None = None
    key: list[str] = []
    features: list[str] = []
    reason: str | None = None


class ServedTasks(BaseModel):
    """All tasks."""

    tasks: list[ServedTask]


class Tasks:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        """Answer from these services."""
        self._services = services

    async def list_tasks(self) -> ServedTasks:
        """List the tasks, with the model that answers for each."""
        return ServedTasks(tasks=[self._describe(task) for task in self._services.tasks])

    async def model(self, task: str) -> Any:
        """Return the manifest of the model that answers for a task: what it learnt from, how, and how well."""
        return Response(orjson.dumps(self._services.model_of(task).model.manifest), media_type="application/json")

    def _describe(self, task: str) -> ServedTask:
        try:
            model = self._services.holder.get(task).model
        except ModelError as error:
            return ServedTask(task=task, status="refused", reason=kind_of(error))
        return ServedTask(
            task=task,
            status="ready",
            model_id=model.model_id,
            is_stale=is_stale(self._services.checks.of(task, model.model_id)),
            erased_rows=erased_rows(model.manifest),
            kind="binary" if model.is_binary else "multi-class",
            table=f"marts.{model.task.table}",
            key=model.task.key,
            features=model.features,
        )
