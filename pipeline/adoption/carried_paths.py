"""Finds the path in the documents that a column of a mart comes from, as the declarations say it (`carried`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loader.declarations import read_source, source_names
from loader.errors import SourceBroken

ROW = re.compile(r"(?:\w+ [^:,]*, )*(?P<key>\w+) [^:]*: ")  # the position of a child row, which begins its reason
FIELD = re.compile(r"(?P<field>/[^:]*|\w+): ")


@dataclass(frozen=True)
class CarriedPath:
    """A source, and a path in its documents."""

    source: str
    path: str


def path_of_column(mart: str, column: str) -> CarriedPath | None:
    """Return where a column of a mart comes from; None if no declaration says it, or it holds several fields."""
    for name in source_names():
        path = _carried(name).get(mart, {}).get(column)
        if isinstance(path, str):
            return CarriedPath(name, path)
    return None


def path_of_reason(source: str, reason: str) -> str | None:
    """Return the path of the first value that a reason names as uncastable; None if it names none."""
    row = ROW.match(reason)
    below, columns = _table(source, row["key"] if row else None)
    if row and below:
        reason = reason[row.end() :]
    field = FIELD.match(reason)
    if field is None:
        return below or None
    if field["field"].startswith("/"):
        return below + field["field"]
    path = columns.get(field["field"])
    return path if isinstance(path, str) else None


def _table(source: str, own_key: str | None) -> tuple[str, Mapping[str, Any]]:
    """Return the path of the elements of a child mart, and its columns; of the first mart without such a key."""
    marts = list(_carried(source).values())
    for columns in marts:
        key = columns.get(own_key) if own_key else None
        if isinstance(key, dict):
            return str(key.get("number_of") or key.get("name_of")), columns
    return "", marts[0] if marts else {}


def _carried(source: str) -> Mapping[str, Mapping[str, Any]]:
    try:
        return read_source(source).model_dump(mode="json")["carried"]  # type: ignore[no-any-return]
    except SourceBroken:
        return {}
