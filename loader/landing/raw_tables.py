"""Makes the raw tables of all sources, however few of them are landed: the marts ask for every one."""

from __future__ import annotations

from loader.declarations import source_names
from warehouse.connection import connect
from warehouse.schema import ensure_raw_tables


def make_raw_tables() -> None:
    """Make those that are missing; one that is there stays as it is.

    Raises:
        WarehouseError, psycopg2.Error: the server cannot be reached, or does not let us.
    """
    owner = connect("owner")
    try:
        ensure_raw_tables(owner, source_names())
    finally:
        owner.close()
