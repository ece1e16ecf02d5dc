"""The one shape of the API's errors: problem details (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NotRequired

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from ml.api.data.errors import DatabaseAway
from ml.api.models.problem_log import ProblemLog
from ml.api.models.refusals import IN_LOG
from waybill.errors import WaybillError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "5"
STILL_ANSWERED = "requests with features are still answered"

logger = logging.getLogger(__name__)
unanswered = ProblemLog(logger, "requests are not answered", (WaybillError,), level=logging.WARNING)


class Mistake(TypedDict):
    """What is wrong with one value of the request; `row` counts from 0."""

    row: NotRequired[int]
    field: str
    expected: str
    given: str


class ProblemDetails(TypedDict):
    """An error. Programs tell errors apart by `type`, people read `detail`; a 422 lists its mistakes in `errors`."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[Mistake]]
    keys: NotRequired[list[dict[str, Any]]]


class Problem(Exception):
    """An answer other than a success; `kind` is the last part of its type."""

    def __init__(self, status: int, kind: str, detail: str, **more: Any) -> None:
        """Take the status, the kind, one sentence, and further members; `headers` are sent with it."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.headers: Mapping[str, str] = more.pop("headers", {})
        self.more = more

    @property
    def response(self) -> Response:
        """The response that describes it."""
        content = {
            "type": f"urn:waybill:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": str(self),
            **self.more,
        }
        return Response(orjson.dumps(content), self.status, dict(self.headers), media_type=MEDIA_TYPE)


def unreadable(table: str) -> Problem:
    """Return the answer while PostgreSQL refuses to read the table, or the table is not what the task says."""
    return Problem(503, "unreadable", f"marts.{table} cannot be read by key now; {IN_LOG}; {STILL_ANSWERED}")


def database_away() -> Problem:
    """Return the answer while the database is away; features that are given still get one."""
    detail = f"the database does not answer now; {STILL_ANSWERED}"
    return Problem(503, "database-away", detail, headers={"retry-after": RETRY_SECONDS})


def add_handlers(app: FastAPI) -> None:
    """Let the app answer every error with problem details."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(WaybillError, _answer_waybill_error)
    app.add_exception_handler(HTTPException, _answer_http_error)


async def _answer_problem(request: Request, error: Any) -> Response:
    response: Response = error.response
    return response


async def _answer_waybill_error(request: Request, error: Any) -> Response:
    """Answer what its user cannot change; its words may hold paths and logins, so only the log has them."""
    unanswered.report("any", error)
    if isinstance(error, DatabaseAway):
        return database_away().response
    return Problem(503, "unavailable", f"the request cannot be answered now; {IN_LOG}").response


async def _answer_http_error(request: Request, error: Any) -> Response:
    path = request.url.path
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{path} does not take {request.method}"
        return Problem(405, "method-not-allowed", detail, headers=error.headers or {}).response
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem(404, "no-such-page", f"there is no page {path[:200]}: /docs lists what there is").response
    return Problem(error.status_code, "http-error", str(error.detail), headers=error.headers or {}).response


class AnswerFaults:
    """Answers a fault of Waybill without its words, which may hold values of rows; the server logs them."""

    def __init__(self, app: Any) -> None:
        """Wrap an ASGI app."""
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on the request; answer 500 if that raises an error before an answer has begun."""
        has_begun = False

        async def send_noted(message: Any) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception:
            if scope["type"] != "http":
                raise
            logger.exception("a request was not answered: this is a fault of Waybill; please report it")
            if not has_begun:
                fault = Problem(500, "fault", "this is a fault of Waybill; the server's log has it")
                await fault.response(scope, receive, send)


def named(mistakes: Sequence[Mistake], more: int) -> str:
    """Return the first mistake in a sentence, and how many there are."""
    first = mistakes[0]
    row = f"row {first['row']}, " if "row" in first else ""
    others = len(mistakes) - 1 + more
    rest = f"; and {others:,} more" if others else ""
    return f"{row}{first['field']}: expected {first['expected']}, given {first['given']}{rest}"
