"""No error ends what the API does in the background, and what waits is stored at its end."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ml.api.app import create_app
from ml.api.endpoints.services import Limits, Services
from ml.api.problems import add_handlers
from waybill.errors import WaybillError


def test_the_types_of_keys_are_read_after_any_error(caplog: pytest.LogCaptureFixture) -> None:
    errors = [OSError("too many open files"), OSError("too many open files"), MemoryError()]

    def key_types(model: object) -> dict[str, str]:
        if errors:
            raise errors.pop(0)
        return {"row_id": "bigint"}

    async def read() -> Services:
        stub: Any = SimpleNamespace(get=lambda task: SimpleNamespace(model=task), key_types=key_types)
        services = Services(["small"], stub, stub, stub, stub, Limits(1, 1))
        for _ in range(4):
            assert services._key_types == {}
            await services.read_key_types()
        return services

    assert asyncio.run(read())._key_types == {"small": {"row_id": "bigint"}}
    assert caplog.text.count("too many open files") == 1


def test_services_are_closed_although_the_background_work_failed() -> None:
    closed = []

    async def nothing() -> None:
        pass

    async def fail() -> None:
        raise OSError("the logins cannot be read")

    services: Any = SimpleNamespace(
        tasks=[], metrics=None, read_key_types=nothing, learn_key_types=fail, close=lambda: closed.append(True)
    )

    async def run() -> None:
        app = create_app(services, None)
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert closed == [True]


def test_an_error_with_a_path_is_logged_once_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    add_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise WaybillError("/home/someone/models cannot be read")

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return [await client.get("/") for _ in range(2)]

    answers = asyncio.run(ask())
    assert [one.status_code for one in answers] == [503, 503]
    assert answers[0].json()["type"] == "urn:waybill:unavailable"
    assert "someone" not in answers[0].text
    assert caplog.text.count("/home/someone/models cannot be read") == 1
