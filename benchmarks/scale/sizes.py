# waybill: sample
"""Reads how much disk space tables and their indexes take."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.connection import cursor_of

SIZES = """
select
    namespaces.nspname || '.' || tables.relname as name,
    pg_table_size(tables.oid) as table_bytes,
    pg_indexes_size(tables.oid) as index_bytes
from pg_class as tables
inner join pg_namespace as namespaces on tables.relnamespace = namespaces.oid
where
    tables.relkind = 'r'
    and namespaces.nspname not like 'pg\\_%'
    and namespaces.nspname <> 'information_schema'
order by pg_total_relation_size(tables.oid) desc, name
"""


@dataclass(frozen=True)
class Size:
    """The disk space of a table, and of all its indexes."""

    table_bytes: int
    index_bytes: int


def read_sizes() -> dict[str, Size]:
    """Return the size of each table of the warehouse by its name."""
    with cursor_of("owner") as cursor:
        cursor.execute(SIZES)
        return {name: Size(table, index) for name, table, index in cursor.fetchall()}
