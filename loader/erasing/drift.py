"""Subtracts the fields of erased documents from `ledger.drift`, whose pointers can hold names that are data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from loader.checking.known_fields import JSON_TYPES
from loader.checking.large_numbers import load_json
from loader.erasing.conditions import values_at
from waybill.json_pointers import split_pointer

DRIFT = "select batch_id::text, pointer, json_type from ledger.drift where batch_id = any(%s::uuid[])"

SUBTRACT = """
update ledger.drift
set documents = drift.documents - given.documents
from (values %s) as given (batch_id, pointer, json_type, documents)
where drift.batch_id = given.batch_id::uuid and drift.pointer = given.pointer and drift.json_type = given.json_type
"""

DELETE = "delete from ledger.drift where batch_id = any(%s::uuid[]) and documents <= 0"


def subtract_drift(cursor: Cursor, documents: Sequence[tuple[str, str | None]]) -> None:
    """Subtract documents, given as batch and JSON text, from the unknown fields that their batches were counted with.

    The entry for all further fields of a batch, which names none, is not changed.
    """
    batches = sorted({batch_id for batch_id, document in documents if document is not None})
    cursor.execute(DRIFT, [batches])
    fields: dict[str, list[tuple[str, str]]] = {}
    for batch_id, pointer, json_type in cursor.fetchall():
        fields.setdefault(batch_id, []).append((pointer, json_type))
    counted: Counter[tuple[str, str, str]] = Counter()
    for batch_id, document in documents:
        if document is not None and batch_id in fields:
            parsed = load_json(document.encode())
            counted.update((batch_id, *field) for field in _fields_of(parsed, fields[batch_id]))
    if counted:
        rows = [(*field, number) for field, number in counted.items()]
        execute_values(cursor, SUBTRACT, rows, page_size=len(rows))
        cursor.execute(DELETE, [batches])


def _fields_of(document: Any, fields: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield those of the fields, given as pointer and JSON type, that a document has."""
    by_pointer: dict[str, set[str]] = {}
    for pointer, json_type in fields:
        by_pointer.setdefault(pointer, set()).add(json_type)
    for pointer, json_types in by_pointer.items():
        found = {JSON_TYPES.get(type(value), "null") for value in values_at(document, split_pointer(pointer))}
        if "integer" in found and "integer" not in json_types:
            found.add("number")  # jsonb has stored 1e2 as 100
        yield from ((pointer, json_type) for json_type in found & json_types)
