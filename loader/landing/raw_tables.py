"""Creates the raw tables of all declared sources, because the dbt models read every one of them."""

from __future__ import annotations

from loader.declarations import source_names
from warehouse.connection import connect
from warehouse.schema import ensure_raw_tables


def make_raw_tables() -> None:
    """Create the raw tables that are missing; leave existing ones unchanged.

    Raises:
        WarehouseError, psycopg2.Error: the server cannot be reached, or refuses the connection or the statement.
    """
    owner = connect("owner")
    try:
        ensure_raw_tables(owner, source_names())
    finally:
        owner.close()


def make_later_raw_tables() -> None:
    """Create the raw tables of sources that were declared after the first load; nothing if nothing has landed.

    Raises:
        WarehouseError, psycopg2.Error: as `make_raw_tables` raises them.
    """
    owner = connect("owner")
    try:
        with owner, owner.cursor() as cursor:
            cursor.execute("select exists (select from ledger.batches)")
            has_batches = cursor.fetchone() == (True,)
        if has_batches:
            ensure_raw_tables(owner, source_names())
    finally:
        owner.close()
