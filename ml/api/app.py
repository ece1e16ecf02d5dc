"""The app: routes, errors, access and counters around the services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from ml.api.access import RequireKey, RequireLocalHost
from ml.api.endpoints import docs_page
from ml.api.endpoints.health import Alive, Health, Readiness
from ml.api.endpoints.predictions import PATH, Predictions
from ml.api.endpoints.services import Services
from ml.api.endpoints.tasks import ServedTasks, Tasks
from ml.api.metrics import OTHER, CountRequests
from ml.api.openapi import OF_MODEL, DescribedTask, describe_api, responses
from ml.api.problems import AnswerFaults, add_handlers
from ml.errors import ModelError

FIRST_SECONDS = 5.0  # that the start waits for the types of keys


def create_app(services: Services, key: str | None) -> FastAPI:
    """Return the app. With a key, every route but /health/live requires it; without one, a host of this machine."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SECONDS):
                    await services.read_key_types()
            learning = asyncio.create_task(services.learn_key_types())
            yield
            learning.cancel()
            await asyncio.gather(learning, return_exceptions=True)
        finally:
            await asyncio.to_thread(services.close)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    _add_routes(app, services, has_key=key is not None)
    add_handlers(app)
    app.add_middleware(AnswerFaults)
    if key is None:
        app.add_middleware(RequireLocalHost)
    else:
        app.add_middleware(RequireKey, key=key)
    templates = {route.endpoint: route.path for route in app.routes if hasattr(route, "endpoint")}
    app.add_middleware(
        CountRequests,
        metrics=services.metrics,
        route_of=lambda scope: templates.get(scope.get("endpoint"), OTHER),
    )  # the last one is the first that a request meets
    return app


def _add_routes(app: FastAPI, services: Services, *, has_key: bool) -> None:
    health, tasks = Health(services), Tasks(services)

    async def openapi() -> dict[str, Any]:
        """Return the OpenAPI document of the models that answer now."""
        return describe_api(app.routes, _described(services), has_key)

    app.add_route(PATH, Predictions(services).answer, methods=["POST"], include_in_schema=False)
    _add_get(app, "/v1/tasks", tasks.list_tasks, response_model=ServedTasks, tags=["models"], responses=responses({}))
    _add_get(
        app, "/v1/tasks/{task}/model", tasks.model, response_model=dict[str, Any], tags=["models"],
        responses=responses(OF_MODEL),
    )  # fmt: skip
    _add_get(
        app, "/health/live", health.live, response_model=Alive, tags=["health"],
        responses=responses({}, needs_key=False),
    )  # fmt: skip
    _add_get(
        app, "/health/ready", health.ready, response_model=Readiness, tags=["health"],
        responses={503: {"model": Readiness, "description": "A model is refused."}, **responses({})},
    )  # fmt: skip
    _add_get(app, "/metrics", health.metrics, responses=responses({}), include_in_schema=False)
    _add_get(app, "/openapi.json", openapi, include_in_schema=False)
    _add_get(app, "/docs", docs_page.page, include_in_schema=False)
    _add_get(app, "/docs/{name}", docs_page.file, include_in_schema=False)


def _add_get(app: FastAPI, path: str, endpoint: Any, *, include_in_schema: bool = True, **described: Any) -> None:
    """Add a route that takes GET and HEAD."""
    app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=include_in_schema, **described)
    app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, **described)


def _described(services: Services) -> list[DescribedTask]:
    """Return the tasks whose models answer now."""
    found = []
    for task in services.tasks:
        with suppress(ModelError):
            served = services.holder.get(task)
            found.append(DescribedTask(served.model, services.schema_of(served)))
    return found
