"""An upgrade keeps every row (P10): older layouts are migrated in place, or refused untouched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.catalog import catalog
from tests.support.databases import fresh_database, rows
from tests.support.old_layouts import FOLDER, restored_layout
from warehouse.connection import connect, connection_parameters, current_warehouse, engine, forget, login_parameters
from warehouse.errors import LayoutMismatch
from warehouse.ledger import Ledger
from warehouse.migrations.layouts import OLDEST_LAYOUT, SCHEMAS, VERSIONS, latest_layout
from waybill.settings import PROJECT, get_settings

pytestmark = pytest.mark.skipif(not get_settings().is_embedded, reason="dumps name the embedded server's logins")

DUMPED = sorted(int(path.name.removeprefix("layout_").split(".")[0]) for path in FOLDER.glob("layout_*.sql.*"))
LAYOUTS = [layout for layout in DUMPED if layout < latest_layout()]  # the dump of the latest one is for the next step
SEQUENCE = "sequence ledger.layout_version_seq"
# layout → what the step after it fails at, the statement that makes it fail, and the one that lets it pass again
OBSTACLES = {
    5: ("layout_version_seq", f"drop {SEQUENCE} cascade", f"create {SEQUENCE}"),
    9: ("records_at", "alter table ledger.inputs add records_at text", "alter table ledger.inputs drop records_at"),
    13: (
        "table_state",
        "create function predictions.table_state(mart text) returns text language sql return mart",
        "drop function predictions.table_state",
    ),
    16: (
        "model_checks",
        "alter table predictions.model_checks rename to mine",
        "alter table predictions.mine rename to model_checks",
    ),
    17: ("erasures", "create table ledger.erasures ()", "drop table ledger.erasures"),
}
KILLED = """
import os, signal, sys
import warehouse.migrations.steps as steps
done, execute = [], steps.execute
def and_die(statement):
    execute(statement)
    done.append(statement)
    if len(done) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
steps.execute = and_die
from warehouse.connection import connection_parameters
connection_parameters("owner")
"""


@pytest.fixture(params=LAYOUTS)
def old_layout(request: pytest.FixtureRequest, server: None) -> Iterator[int]:
    """Restore a dump of an older layout into the database that PGDATABASE names; nothing has been migrated yet."""
    with restored_layout(request.param, f"old_{uuid4().hex[:12]}"):
        yield request.param


def untouched(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query without having the database migrated first."""
    unprepared = create_engine("postgresql+psycopg2://", connect_args=owner_login(), poolclass=NullPool)
    with unprepared.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query, values)]


def owner_login() -> dict[str, str]:
    return login_parameters(current_warehouse(), "owner")


def hashes() -> dict[str, MartHash]:
    unprepared = create_engine("postgresql+psycopg2://", connect_args=owner_login(), poolclass=NullPool)
    with unprepared.connect() as connection:
        return mart_hashes(connection)


def contents() -> dict[tuple[str, str], tuple[list[str], list[str]]]:
    """Return (schema, table) → columns and sorted rows of everything that was landed or recorded."""
    query = """
        select table_schema, table_name, array_agg(column_name::text order by ordinal_position)
        from information_schema.columns inner join information_schema.tables using (table_schema, table_name)
        where table_schema in ('raw', 'ledger') and table_type = 'BASE TABLE'
            and table_name not in ('layout', 'alembic_version')
        group by table_schema, table_name
    """
    found = untouched(query)
    return {(schema, table): (columns, contents_of(schema, table, columns)) for schema, table, columns in found}


def contents_of(schema: str, table: str, columns: list[str]) -> list[str]:
    wanted = ", ".join(f'"{name}"' for name in columns)
    query = f'select row({wanted})::text collate "C" from {schema}."{table}" order by 1'
    return [text for (text,) in untouched(query)]


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, text=True, check=False, cwd=PROJECT, env={**os.environ, **environment},
    )  # fmt: skip


def test_an_upgrade_keeps_every_row_and_every_mart(old_layout: int) -> None:
    before, marts = contents(), hashes()
    assert sum(len(found) for (schema, _), (_, found) in before.items() if schema == "raw") > 150
    assert sum(mart.rows for mart in marts.values()) > 300
    connection_parameters("owner")
    assert untouched("select max(version) from ledger.layout") == [(latest_layout(),)]
    after = contents()
    assert before.keys() <= after.keys()
    for (schema, table), (columns, found) in before.items():
        assert contents_of(schema, table, columns) == found
    assert hashes() == marts


def test_a_fresh_and_an_upgraded_database_have_one_schema(old_layout: int) -> None:
    upgraded = catalog("ledger")
    rights = {name: found for name, found in catalog(*SCHEMAS).items() if name in ("schemas", "default rights")}
    with fresh_database():
        assert catalog("ledger") == upgraded
        assert {name: found for name, found in catalog(*SCHEMAS).items() if name in rights} == rights


def test_an_upgrade_marks_old_drift_as_to_be_measured_again(server: None) -> None:
    columns = "(task, model_id, kind, name, scored_at, rows, limits, alarms)"
    values = "('small', gen_random_uuid(), 'number', 'delay', now(), 10, '{}', '{\"PSI 0.5\"}')"
    with restored_layout(17, f"old_{uuid4().hex[:12]}"):
        connection = connect_untouched()
        with connection.cursor() as cursor:
            cursor.execute(f"insert into predictions.model_drift {columns} values {values}")
        connection.close()
        connection_parameters("owner")
        found = untouched("select distinct name, is_alarm from predictions.model_drift where scored_at = 'epoch'")
        assert ("delay", True) in found
        assert untouched("select count(*) from predictions.model_drift where scored_at <> 'epoch'") == [(0,)]


def test_a_migration_that_is_killed_is_completed_by_the_next(old_layout: int) -> None:
    before, marts = contents(), hashes()
    for statements in (1, 2):
        assert run_python("-c", KILLED, str(statements)).returncode == -signal.SIGKILL
    connection_parameters("owner")
    assert {name: contents_of(*name, columns) for name, (columns, _) in before.items()} == {
        name: found for name, (_, found) in before.items()
    }
    assert hashes() == marts
    upgraded = catalog("ledger")
    with fresh_database():
        assert catalog("ledger") == upgraded


def test_a_new_database_whose_making_was_killed_is_completed(database: str) -> None:
    made = catalog(*SCHEMAS)
    connection = connect("owner")
    for statements in (1, 9, 60):
        with connection, connection.cursor() as cursor:
            cursor.execute(f"drop schema if exists {', '.join(SCHEMAS)} cascade")
        killed = run_python("-c", KILLED, str(statements))
        assert killed.returncode in (-signal.SIGKILL, 0)
        forget()
        assert catalog(*SCHEMAS) == made
    connection.close()


def test_two_commands_migrate_a_database_once(old_layout: int) -> None:
    command = [sys.executable, "-m", "warehouse", "up"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PROJECT) for _ in range(2)]
    output = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], output
    assert "".join(output).count(f"from_layout={old_layout} to_layout={latest_layout()}") == 1
    layouts = [version for (version,) in rows("select version from ledger.layout order by version")]
    assert layouts == sorted(set(layouts))
    assert layouts[0] == OLDEST_LAYOUT
    assert layouts[-1] == latest_layout()


@pytest.mark.parametrize("layout", [1, OLDEST_LAYOUT - 1])
def test_a_layout_from_before_migrations_is_refused_untouched(database: str, layout: int) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("drop table ledger.alembic_version")
        cursor.execute("delete from ledger.layout")
        cursor.execute("insert into ledger.layout (version) values (%s)", [layout])
    before = contents()
    forget()
    with pytest.raises(LayoutMismatch, match=f"has layout {layout}, from before .*; nothing was changed: ") as refused:
        connection_parameters("reader")
    assert "reset" not in str(refused.value)
    assert contents() == before
    connection.close()


def test_a_step_that_fails_leaves_the_layout_before_it(old_layout: int) -> None:
    connection = connect_untouched()
    name, obstacle, removal = OBSTACLES[old_layout]
    with connection.cursor() as cursor:
        cursor.execute(obstacle)
    before = contents()
    failed = run_python("-m", "warehouse", "up")
    assert failed.returncode == 1
    assert name in failed.stderr
    assert contents() == before
    assert untouched("select max(version) from ledger.layout") == [(old_layout,)]
    with connection.cursor() as cursor:
        cursor.execute(removal)
    connection.close()
    assert run_python("-m", "warehouse", "up").returncode == 0


def connect_untouched() -> Any:
    import psycopg2

    connection = psycopg2.connect(**owner_login())  # type: ignore[call-overload]
    connection.autocommit = True
    return connection


def test_each_layout_has_one_step_named_by_its_number() -> None:
    script = ScriptDirectory(str(VERSIONS.parent))
    assert script.get_heads() == [str(latest_layout())]
    for step in script.walk_revisions():
        assert Path(step.path).name.startswith(f"layout_{step.revision}_")
        assert step.doc.startswith(f"Layout {step.revision}: ")


def test_the_ledgers_classes_describe_its_tables(database: str) -> None:
    with engine("owner").connect() as connection:
        options = {"include_schemas": True, "version_table_schema": "ledger", "include_name": is_in_ledger}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Ledger.metadata) == []


def is_in_ledger(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "schema" or name == "ledger"
