"""Creates the raw tables of all declared sources, because the dbt models read every one of them."""

from __future__ import annotations

from contextlib import closing, suppress

from psycopg2.extensions import connection as Connection

from loader.declarations import read_source, source_names
from loader.errors import SourceBroken
from warehouse.connection import connect
from warehouse.schema import ensure_raw_tables


def make_raw_tables() -> None:
    """Create the raw tables that are missing; leave existing ones unchanged.

    Raises:
        WarehouseError, psycopg2.Error: the server cannot be reached, or refuses the connection or the statement.
    """
    with closing(connect("owner")) as owner:
        _make(owner)


def make_later_raw_tables() -> None:
    """Create the raw tables of sources that were declared after the first load; nothing if nothing has landed.

    Raises:
        WarehouseError, psycopg2.Error: as `make_raw_tables` raises them.
    """
    with closing(connect("owner")) as owner:
        with owner, owner.cursor() as cursor:
            cursor.execute("select exists (select from ledger.batches)")
            has_batches = cursor.fetchone() == (True,)
        if has_batches:
            _make(owner)


def _make(owner: Connection) -> None:
    names = source_names()
    ensure_raw_tables(owner, names, [name for name in names if _has_tombstones(name)])


def _has_tombstones(name: str) -> bool:
    """Return whether a source lands nulls; its own commands report a declaration that cannot be read."""
    with suppress(SourceBroken):
        return read_source(name).tombstone is not None
    return False
