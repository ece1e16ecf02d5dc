"""Describes the API (OpenAPI 3.0) with the models of requests and answers of the tasks that are served now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from ml.api.examples import example_rows
from ml.api.problems import MEDIA_TYPE, ProblemDetails
from ml.api.schemas import TaskSchema
from ml.predict import Model

VERSION = "3.0.3"  # which the packaged Swagger UI reads
TITLE = "Waybill: predictions"
DESCRIPTION = "Predictions of the current models, by key or from features that are given. Errors are problem details."
JSON = "application/json"
OF_FASTAPI = ("HTTPValidationError", "ValidationError")  # which it describes, and the API never answers
WITH_KEY = {401: "The key is missing or wrong."}
WITHOUT_KEY = {421: "The header Host does not name this machine."}
OF_PREDICTIONS = {
    400: "The body is not JSON.",
    404: "The table has no row with one of the keys.",
    408: "The body took too long.",
    413: "The body has too many bytes.",
    415: "The body is not declared as JSON.",
    422: "A value is not what the schema says; `errors` names row, field and expectation.",
    503: "The model is refused, or the database is away and features were asked for by key.",
}
OF_MODEL = {404: "There is no such task.", 503: "The model is refused."}


@dataclass(frozen=True)
class DescribedTask:
    """A task as the document describes it."""

    model: Model
    schema: TaskSchema


def responses(described: Mapping[int, str], *, needs_key: bool = True) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may answer, for FastAPI; `needs_key` says whether it asks for the key."""
    problems = {**described, **WITHOUT_KEY, **(WITH_KEY if needs_key else {})}
    return {status: {"model": ProblemDetails, "description": text} for status, text in problems.items()}


def describe_api(routes: Iterable[Any], tasks: Sequence[DescribedTask], has_key: bool) -> dict[str, Any]:
    """Return the OpenAPI document of the routes, and of the predictions of each task."""
    never = {str(status) for status in (WITHOUT_KEY if has_key else WITH_KEY)}
    documented = [*(_route_of(task) for task in tasks), *routes]
    document = get_openapi(
        title=TITLE, version="1", openapi_version=VERSION, description=DESCRIPTION, routes=documented
    )
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"] = {
                status: response
                for status, response in operation["responses"].items()
                if OF_FASTAPI[0] not in str(response) and status not in never
            }
            for response in operation["responses"].values():
                _name_media_type(response)
    for task in tasks:
        _add_examples(document, task)
    for name in OF_FASTAPI:
        document["components"]["schemas"].pop(name, None)
    if has_key:
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        schemes["bearer"] = {"type": "http", "scheme": "bearer"}
        document["security"] = [{"key": []}, {"bearer": []}]
    described: dict[str, Any] = _in_3_0(document)
    return described


def _route_of(task: DescribedTask) -> APIRoute:
    """Return a route that is only described: requests are read without FastAPI, which takes longer."""
    request, answer, name = task.schema.request, task.schema.answer, task.model.task.task

    async def predict(body: Any) -> Any: ...

    predict.__annotations__ = {"body": Annotated[request, Body()], "return": Any}
    return APIRoute(
        f"/v1/tasks/{name}/predictions",
        predict,
        methods=["POST"],
        response_model=answer,
        summary=f"Predict {name}",
        description=f"Predict for rows of marts.{task.model.task.table}, in the order of the request: send either "
        "`keys` or `features`. A missing value is null; no feature may be left out.",
        operation_id=f"predict_{name}",
        tags=["predictions"],
        responses=responses(OF_PREDICTIONS),
    )


def _add_examples(document: dict[str, Any], task: DescribedTask) -> None:
    """Add an example of each way to ask to the request of a task, and to its parts."""
    rows = example_rows(task.model, task.schema)
    operation = document["paths"][f"/v1/tasks/{task.model.task.task}/predictions"]["post"]
    operation["requestBody"]["content"][JSON]["examples"] = {
        "by key": {"summary": "By key", "value": {"keys": [rows["keys"]]}},
        "with features": {"summary": "With features", "value": {"features": [rows["features"]]}},
    }
    schemas = document["components"]["schemas"]
    request = schemas[task.schema.request.__name__]
    request["example"] = {"features": [rows["features"]]}
    for member, row in rows.items():
        schemas[request["properties"][member]["items"]["$ref"].rpartition("/")[2]]["example"] = row


def _name_media_type(response: dict[str, Any]) -> None:
    """Give problem details their own media type."""
    content = response.get("content", {})
    if ProblemDetails.__name__ in str(content):
        content[MEDIA_TYPE] = content.pop(JSON)


def _in_3_0(node: Any) -> Any:
    """Return a document of OpenAPI 3.1 in the words of 3.0: `nullable` instead of the type null."""
    if isinstance(node, list):
        return [_in_3_0(one) for one in node]
    if not isinstance(node, dict):
        return node
    converted = {name: _in_3_0(one) for name, one in node.items()}
    options = converted.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [one for one in options if one != {"type": "null"}]
        del converted["anyOf"]
        if len(rest) == 1 and "$ref" not in rest[0]:
            return {**rest[0], **converted, "nullable": True}
        return {**converted, ("allOf" if len(rest) == 1 else "anyOf"): rest, "nullable": True}
    if "const" in converted and "enum" not in converted and isinstance(converted.get("type"), str):
        converted["enum"] = [converted.pop("const")]
    if "pattern" in converted:
        converted["pattern"] = re.sub(r"\\x00", r"\\u0000", str(converted["pattern"]))
    return converted
