"""Which sources the ledger knows: also those that are not declared any more."""

from __future__ import annotations

from loader.declarations import read_source, source_names
from warehouse.connection import cursor_of

IS_KNOWN = """
select exists (select from ledger.inputs where source = %(source)s) or to_regclass(%(raw)s) is not null
"""
ANYTHING_LANDED = "select exists (select from ledger.batches where landed > 0)"


def has_anything_landed() -> bool:
    """Return whether any document of any source was ever landed."""
    with cursor_of("reader") as cursor:
        cursor.execute(ANYTHING_LANDED)
        return cursor.fetchone() == (True,)


def is_known(source: str) -> bool:
    """Return whether the ledger knows a source, or it has a raw table."""
    with cursor_of("reader") as cursor:
        cursor.execute(IS_KNOWN, {"source": source, "raw": f'raw."{source}"'})
        return cursor.fetchone() == (True,)


def require_known(source: str) -> None:
    """Check that a source is declared, or that the ledger knows it from the time when it was.

    Raises:
        SourceUnknown: it is neither.
    """
    if source not in source_names() and not is_known(source):
        read_source(source)
