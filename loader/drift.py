"""Lists drift: fields in landed documents that no contract names, with type, frequency, dates and first input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warehouse.connection import cursor_of

DRIFT = """
select source, pointer, json_type, documents, first_at, last_at, first_input
from ledger.unknown_fields
where %(source)s is null or source = %(source)s
order by source, pointer, json_type
"""


@dataclass(frozen=True)
class UnknownField:
    """A field that the contract did not name when documents with it were landed; it came first with `first_input`."""

    source: str
    pointer: str
    json_type: str
    documents: int
    first_at: datetime
    last_at: datetime
    first_input: str


def list_drift(only: str | None = None) -> list[UnknownField]:
    """Return the unknown fields in the order of source, pointer and type."""
    with cursor_of("reader") as cursor:
        cursor.execute(DRIFT, {"source": only})
        return [UnknownField(*values) for values in cursor.fetchall()]
