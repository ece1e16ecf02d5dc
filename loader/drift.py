"""Lists drift: fields in landed documents that no contract names, with type, frequency, dates and first input.

The ledger keeps what a contract did not name when documents landed. What the contract names by now is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loader.checking.contracts import read_contract
from loader.checking.known_fields import KnownFields
from loader.declarations import read_source, source_names
from loader.errors import SourceBroken
from warehouse.connection import cursor_of
from waybill.json_pointers import ANY, split_pointer

UNNAMED = "999999999"  # in place of `*`: no contract names it, so what describes any element or member applies

DRIFT = """
select source, pointer, json_type, documents, first_at, last_at, first_input
from ledger.unknown_fields
where %(source)s is null or source = %(source)s
order by source, pointer, json_type
"""


@dataclass(frozen=True)
class UnknownField:
    """A field that the contract does not name, and did not when it was landed, first with `first_input`."""

    source: str
    pointer: str
    json_type: str
    documents: int
    first_at: datetime
    last_at: datetime
    first_input: str


def list_drift(only: str | None = None) -> list[UnknownField]:
    """Return the fields that are unknown to this day, in the order of source, pointer and type."""
    with cursor_of("reader") as cursor:
        cursor.execute(DRIFT, {"source": only})
        found = [UnknownField(*values) for values in cursor.fetchall()]
    contracts = {name: _known_fields(name) for name in {field.source for field in found}}
    return [field for field in found if not _names(contracts[field.source], field.pointer)]


def _known_fields(source: str) -> KnownFields | None:
    """Return what the contract of a source names; None without a declaration or a contract that can be read."""
    try:
        return read_contract(read_source(source)).fields if source in source_names() else None
    except SourceBroken:
        return None


def _names(contract: KnownFields | None, pointer: str) -> bool:
    """Return True if a contract names a field, or takes what holds it as it comes."""
    if contract is None:
        return False
    *above, name = (UNNAMED if name == ANY else name for name in split_pointer(pointer))
    *_, known = contract.on_the_way(above)
    return known.knows(name) or (bool(known.applied) and not known.is_listed)
