"""Checks the body of a request against a model's schema, and names what is wrong in it."""

from __future__ import annotations

import difflib
from typing import Any

import orjson
from pydantic import ValidationError

from ml.api.problems import Mistake, Problem, named
from ml.api.schemas import TaskSchema
from waybill.text import shown

MAX_NAMED = 20
MAX_READ = 1000  # mistakes; reading each of more would take longer than it helps
MAX_GIVEN = 60  # characters
MEMBERS = ("keys", "features")
WHOLE = "an object with either `keys` or `features`, a list of objects"


def read_request(body: bytes, schema: TaskSchema) -> dict[str, Any]:
    """Return the request: an object with either `keys` or `features`.

    Raises:
        Problem: it is not JSON (400), or not what the schema says (422). NaN and Infinity are not JSON.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "not-json", f"the body is not JSON: {error}") from None
    if isinstance(content, dict) and content.keys() >= set(MEMBERS):
        raise _wrong([{"field": "the body", "expected": "either `keys` or `features`", "given": "both"}])
    try:
        request: dict[str, Any] = schema.adapter.validate_python(content)
    except ValidationError as error:
        raise _refused(error, schema) from None
    if len(request) != 1:
        raise _wrong([{"field": "the body", "expected": WHOLE, "given": "neither"}])
    return request


def _refused(error: ValidationError, schema: TaskSchema) -> Problem:
    if error.error_count() > MAX_READ:
        detail = f"the body has {error.error_count():,} mistakes: send one row to see what is wrong with it"
        return Problem(422, "invalid", detail)
    found = [_describe(one, schema) for one in error.errors(include_url=False, include_context=False)]
    return _wrong(found)


def _wrong(found: list[Mistake]) -> Problem:
    detail = named(found[:MAX_NAMED], max(0, len(found) - MAX_NAMED))
    return Problem(422, "invalid", detail, errors=found[:MAX_NAMED])


def _describe(one: Any, schema: TaskSchema) -> Mistake:
    """Return what is wrong with a value, from pydantic's path: (member, row, field)."""
    location, kind = one["loc"], one["type"]
    member, *rest = location or (None,)
    if member is None:
        return {"field": "the body", "expected": WHOLE, "given": _short(one["input"])}
    if member not in MEMBERS:
        return {"field": _cut(str(member)), "expected": "only `keys` or `features`", "given": "an unknown member"}
    if not rest:
        given = "none" if kind == "too_short" else "more" if kind == "too_long" else _short(one["input"])
        return {"field": member, "expected": schema.expected[member], "given": given}
    row, *names = rest
    if not names:
        return {"row": row, "field": member, "expected": "an object", "given": _short(one["input"])}
    name = str(names[0])
    if kind == "extra_forbidden":
        return {"row": row, "field": _cut(name), "expected": _near(name, member, schema), "given": "an unknown member"}
    given = "nothing" if kind == "missing" else _short(one["input"])
    return {"row": row, "field": name, "expected": schema.expected[f"{member}.{name}"], "given": given}


def _near(name: str, member: str, schema: TaskSchema) -> str:
    """Return what was expected instead of an unknown member: the name that is nearest, or all of them."""
    names = [known.partition(".")[2] for known in schema.expected if known.startswith(f"{member}.")]
    near = difflib.get_close_matches(name[:100], names, n=1)
    if near:
        return f"{near[0]}"
    return f"one of {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"


def _short(value: Any) -> str:
    """Return a value as JSON, cut."""
    if isinstance(value, str):
        value = value[: MAX_GIVEN + 1]
    return _cut(orjson.dumps(value).decode())


def _cut(text: str) -> str:
    return shown(text if len(text) <= MAX_GIVEN else f"{text[:MAX_GIVEN]}…")
