"""Counts the leaves of documents: scalars, null, `{}` and `[]`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from warehouse.connection import connect


def leaves_landed(source: str) -> tuple[int, int]:
    """Return the numbers of landed documents and of their leaves."""
    documents = leaves = 0
    connection = connect("reader")
    try:
        with connection, connection.cursor(name="leaves") as cursor:
            cursor.execute(f'select document::text from raw."{source}"')
            for (text,) in cursor:
                documents += 1
                leaves += sum(1 for _ in _leaves(json.loads(text)))
    finally:
        connection.close()
    return documents, leaves


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and value:
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list) and value:
        for element in value:
            yield from _leaves(element)
    else:
        yield value
