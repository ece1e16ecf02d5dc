"""`GET /health/live`, `/health/ready` and `/metrics`: for load balancers, containers and Prometheus."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from ml.api.endpoints.services import Services
from ml.api.models.refusals import kind_of
from ml.erasing.marks import erased_rows
from ml.errors import ModelError


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class TaskReadiness(BaseModel):
    """Whether a task's model answers; `reason` says in which way it is refused.

    `erased_rows` are the rows that the model learnt from and that were erased since, at most.
    """

    model_config = ConfigDict(protected_namespaces=())

    status: Literal["ready", "refused"]
    model_id: str | None = None
    erased_rows: int = 0
    reason: str | None = None


class Readiness(BaseModel):
    """Whether every task's model answers."""

    status: Literal["ready", "not ready"]
    tasks: dict[str, TaskReadiness]
    reason: str | None = None


class Health:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        """Answer from these services."""
        self._services = services

    async def live(self) -> Alive:
        """Say that the process answers. Needs no key."""
        return Alive()

    async def ready(self, response: Response) -> Readiness:
        """Say whether every task's model answers; 503 if one is refused, or if there is no task."""
        tasks = {task: self._readiness(task) for task in self._services.tasks}
        is_ready = bool(tasks) and all(one.status == "ready" for one in tasks.values())
        response.status_code = 200 if is_ready else 503
        reason = None if tasks else "no task is declared in ml/tasks"
        return Readiness(status="ready" if is_ready else "not ready", tasks=tasks, reason=reason)

    async def metrics(self) -> Response:
        """Return the figures in Prometheus' text format."""
        return Response(self._services.metrics.page, headers={"content-type": CONTENT_TYPE_LATEST})

    def _readiness(self, task: str) -> TaskReadiness:
        try:
            model = self._services.holder.get(task).model
            return TaskReadiness(status="ready", model_id=model.model_id, erased_rows=erased_rows(model.manifest))
        except ModelError as error:
            return TaskReadiness(status="refused", reason=kind_of(error))
