"""Tells which fields came that no contract knows: since when, how often, of what type, and where first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warehouse.connection import connect

DRIFT = """
select source, pointer, json_type, documents, first_at, last_at, first_input
from ledger.unknown_fields
where %(source)s is null or source = %(source)s
order by source, pointer, json_type
"""


@dataclass(frozen=True)
class UnknownField:
    """A field that the contract did not know when documents with it were landed; `first_input` brought it first."""

    source: str
    pointer: str
    json_type: str
    documents: int
    first_at: datetime
    last_at: datetime
    first_input: str


def list_drift(only: str | None = None) -> list[UnknownField]:
    """Return the unknown fields in order of source, pointer and type."""
    connection = connect("reader")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(DRIFT, {"source": only})
            return [UnknownField(*values) for values in cursor.fetchall()]
    finally:
        connection.close()
