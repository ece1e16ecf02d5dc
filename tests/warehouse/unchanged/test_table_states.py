"""The state of a table changes with every write and every change of its definition, and with nothing else."""

from __future__ import annotations

import pytest
from psycopg2 import sql

from warehouse.connection import connect
from warehouse.unchanged.table_states import States, table_states


def states(*names: str) -> States:
    connection = connect("owner")
    with connection:
        found = table_states(connection, names or None)
    connection.close()
    return found


def execute(*statements: str) -> None:
    connection = connect("owner")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.fixture
def things(module_database: str) -> None:
    execute(
        "drop table if exists public.things, public.others, public.copied cascade",
        "create table public.things (id int primary key, name text)",
        "insert into public.things values (1, 'a'), (2, 'b')",
        "create view public.seen as select id from public.things",
    )


@pytest.mark.parametrize(
    "statement",
    [
        "insert into public.things values (3, 'c')",
        "update public.things set name = 'b' where id = 2",
        "delete from public.things where id = 1",
        "with gone as (delete from public.things where id = 1 returning *) insert into public.things select 9, name from gone",
        "truncate public.things",
        "alter table public.things add column more text",
        "alter table public.things alter column name set not null",
        "alter table public.things drop constraint things_pkey",
        "create index on public.things (name)",
        "drop table public.things cascade",
        "alter table public.things rename to others",
        "create rule quiet as on insert to public.things do instead nothing",
    ],
)
def test_every_change_of_a_table_changes_its_state(things: None, statement: str) -> None:
    before = states()
    execute(statement)
    after = states()
    assert after.get("public.things") != before["public.things"]
    others = before.keys() - {"public.things", "public.seen", "public.others", ""}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_rows_copied_into_a_new_table_have_another_state(things: None) -> None:
    before = states("public.things")
    execute(
        "create table public.copied (like public.things including all)",
        "insert into public.copied select * from public.things",
        "drop table public.things cascade",
        "alter table public.copied rename to things",
    )
    assert states("public.things") != before


@pytest.mark.parametrize(
    "statement",
    ["create or replace view public.seen as select id from public.things where id > 1", "drop view public.seen"],
)
def test_a_changed_view_has_another_state(things: None, statement: str) -> None:
    before = states()
    execute(statement)
    assert states().get("public.seen") != before["public.seen"]


def test_a_changed_function_or_setting_is_seen(things: None) -> None:
    before = states()
    execute("create function public.one() returns int language sql as 'select 1'")
    between = states()
    assert between[""] != before[""]
    name = sql.Identifier(connect("owner").info.dbname)
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("alter database {} set work_mem = '8MB'").format(name))
    connection.close()
    assert states()[""] != between[""]


def test_reading_and_maintenance_change_no_state(things: None) -> None:
    before = states()
    execute(
        "select * from public.things", "analyze public.things", "vacuum (freeze, analyze) public.things", 
    )  # fmt: skip
    assert states() == before


def test_what_every_run_writes_is_left_out(module_database: str) -> None:
    found = states()
    assert "ledger.runs" not in found and not [name for name in found if name.startswith("predictions.")]
    assert {"ledger.batches", "ledger.undone_batches", "ledger.erasures", "ledger.rejects"} <= found.keys()
    assert states("ledger.runs").keys() == {"ledger.runs"}


def test_a_table_that_may_not_be_read_counts_by_its_definition(things: None) -> None:
    def seen() -> str:
        connection = connect("reader")
        with connection:
            found = table_states(connection)["public.things"]
        connection.close()
        return found

    execute("revoke all on public.things from public")
    before = seen()
    execute("update public.things set name = 'b' where id = 2")
    assert seen() == before
    execute("alter table public.things add column more text")
    assert seen() != before


def test_rows_are_read_where_they_are_asked_for_or_viewed(things: None) -> None:
    execute("create table public.others as select * from public.things")

    def seen() -> States:
        connection = connect("owner")
        with connection:
            found = table_states(connection, rows_of=lambda schema, table: table == "batches")
        connection.close()
        return found

    before = seen()
    execute("update public.others set name = 'b'")
    assert seen() == before
    execute("update public.things set name = 'b'")
    assert seen()["public.things"] != before["public.things"]


def test_a_foreign_table_always_counts_as_changed(things: None) -> None:
    execute(
        "create foreign data wrapper nowhere", "create server nowhere foreign data wrapper nowhere",
        "create foreign table public.far (id int) server nowhere",
    )  # fmt: skip
    before = states()
    after = states()
    execute("drop foreign data wrapper nowhere cascade")
    assert after["public.far"] != before["public.far"]
