"""No two names that Waybill makes can be the same, not even after PostgreSQL has cut them at 63 bytes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.databases import rows
from tests.support.old_layouts import restored_layout
from warehouse.connection import connect, current_warehouse, login_parameters, open_connection
from warehouse.schema import ensure_raw_tables

LONG = "a" * 55
INDEXED = """
    select tablename from pg_tables where schemaname = 'raw' and exists (
        select from pg_indexes
        where pg_indexes.schemaname = 'raw' and pg_indexes.tablename = pg_tables.tablename and indexdef like '%%brin%%'
    )
    order by tablename
"""


@pytest.mark.parametrize(
    "sources",
    [
        ("x", "x_batches"),
        ("x_batches", "x"),
        ("x", "x_ix"),
        (f"{LONG}_one", f"{LONG}_two"),
        ("x", f"{LONG}_five"),
    ],
    ids=str,
)
def test_each_source_has_a_table_and_an_index(database: str, sources: tuple[str, ...]) -> None:
    owner = connect("owner")
    ensure_raw_tables(owner, sources)
    ensure_raw_tables(owner, sources)
    owner.close()
    assert rows(INDEXED) == [(source,) for source in sorted(sources)]


@pytest.mark.usefixtures("server")
def test_the_index_of_an_older_layout_makes_room() -> None:
    with restored_layout(9, f"old_{uuid4().hex[:12]}"):
        older = open_connection(login_parameters(current_warehouse(), "owner"))
        with older, older.cursor() as cursor:
            for source in ("x", LONG + "_long"):
                cursor.execute(f"create table raw.{source} (_batch_id uuid)")
                cursor.execute(f"create index {(source + '_batches')[:63]} on raw.{source} using brin (_batch_id)")
        older.close()
        owner = connect("owner")
        ensure_raw_tables(owner, ["x", "x_batches"])
        owner.close()
        found = rows("select indexname from pg_indexes where schemaname = 'raw' and tablename ~ '^(x|aaa)' order by 1")
        assert found == [(f"{LONG}_long-ix",), ("x-ix",), ("x_batches-ix",)]
        assert {(f"{LONG}_long",), ("x",), ("x_batches",)} <= {*rows(INDEXED)}
