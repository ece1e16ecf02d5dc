# waybill: sample
"""Documents with the traps that generators of schemas are known to fall into, and what is counted of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

FEW = 300
MANY = 30_000  # more than the 20,480 rows that DuckDB samples
LATE = 29_000  # from here on, documents have what no sample of the beginning shows
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")

# the trap → the JSON of the fields that its documents have in turn
TRAPS: dict[str, tuple[str, ...]] = {
    "names that fold to one": ('"userId": 1, "user_id": 2, "USER_ID": 3',),
    "a dot beside an object": ('"a.b": 1, "a": {"b": 2}',),
    "odd names": ('"": 1, " ": 2, "select": 3, "é": 4',),
    "integers beyond 64 bits": ('"large": 12345678901234567890123', '"large": 1'),
    "integers beyond 2^53": ('"wide": 9007199254740993', '"wide": 0.5'),
    "long fractions": ('"fraction": 0.1234567890123456789012345',),
    "codes with zeros": ('"code": "00123"',),
    "codes like dates": ('"part": "20240101", "size": "01-02"',),
    "texts beside numbers": ('"mixed": "1"', '"mixed": 1', '"mixed": "x"'),
    "words for booleans": ('"flag": "yes"', '"flag": true'),
    "values beside lists": ('"one": "x"', '"one": ["x", "y"]'),
    "values beside objects": ('"one": 1', '"one": {"n": 1}'),
    "lists in lists": ('"grid": [[1, 2], [3]]',),
    "mixed lists": ('"bag": [1, "1", {"n": 1}]',),
    "names as data": ('"map": {"k%d": {"v": %d}}',),
    "repeated elements": ('"tags": ["a", "a", "b"]',),
    "dates of two formats": ('"day": "31/12/2023"', '"day": "2023-12-31"'),
    "times with an offset": ('"at": "2024-01-01T10:00:00.123456+02:00"',),
    "empty and blank texts": ('"note": ""', '"note": " "', '"note": "NA"'),
}
LATE_TRAPS: dict[str, tuple[str, str]] = {
    "a late field": ('"early": 1', '"late": "only at the end"'),
    "a late fraction": ('"count": 2', '"count": 2.5'),
    "a late text": ('"level": 3', '"level": "high"'),
}


def lines(trap: str) -> Iterator[str]:
    """Yield the documents with a trap."""
    late = LATE_TRAPS.get(trap)
    for number in range(MANY if late else FEW):
        fields = late[number >= LATE] if late else TRAPS[trap][number % len(TRAPS[trap])]
        yield f'{{"trap_id": {number}, {fields.replace("%d", str(number))}}}'


def scalars(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield path and value of each scalar; `*` is any element of a list."""
    if isinstance(document, dict):
        for name, member in document.items():
            yield from scalars(member, (*path, name))
    elif isinstance(document, list):
        for element in document:
            yield from scalars(element, (*path, "*"))
    elif document is not None:
        yield path, document


def comparable(value: Any) -> str:
    """Return a text that equal values share: numbers exactly, times as instants; `1` and `"1"` differ."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return f"number {Decimal(str(value)).normalize():f}"
    text = str(value)
    if TIME.fullmatch(text):
        try:
            return datetime.fromisoformat(text.replace(" ", "T", 1)).astimezone(UTC).isoformat()
        except ValueError:
            return text
    return text


def missing(document: Any, kept: list[Any]) -> Counter[str]:
    """Return the values of a document that are not among those kept.

    A number that is kept as a text of the same digits, or a text as such a number, is kept.
    """
    wanted = Counter(_loosely(comparable(value)) for _, value in scalars(document))
    return wanted - Counter(_loosely(comparable(value)) for value in kept)


def _loosely(text: str) -> str:
    text = text.removeprefix("number ")
    try:
        return text if text[:1] == "0" and text[1:2].isdigit() else f"{Decimal(text).normalize():f}"
    except (InvalidOperation, ValueError):
        return text


def parsed(line: str) -> Any:
    """Return a document with exact numbers."""
    return json.loads(line, parse_float=Decimal)
