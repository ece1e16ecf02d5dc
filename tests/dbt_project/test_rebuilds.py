"""A table whose model declares other columns, or reads its documents in another way, is rebuilt by the next run (P4, P5)."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from loader.landing.raw_tables import make_raw_tables
from loader.undo.undo import undo
from pipeline.modelling.design import Design
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, message, query
from tests.support.landing import land
from tests.support.own_sources.designs import column, design, table, write_models, write_project
from tests.support.own_sources.project import OwnProject
from warehouse.connection import engine
from warehouse.logins import own_logins
from waybill.settings import get_settings

QUANTITY = column("quantity", "/quantity", "integer", within="/lines/*")
NUMERIC_QUANTITY = column("quantity", "/quantity", "numeric", within="/lines/*")
CHANNEL = column("channel", "/channel")
ROWS = {
    "intermediate.int_orders_deduplicated": "_batch_id, _position",
    "marts.fct_orders": "_batch_id, _position",
    "marts.fct_orders_lines": "_batch_id, _position, lines_number",
}
KEYS = """
    select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'marts'::regnamespace and contype in ('p', 'f') and convalidated order by 1
"""
TOTALS = "create view marts.totals as select id, sum(quantity) as total from marts.fct_orders_lines group by id"
PROCESSED = "select model, batch_id, processed_at from intermediate.processed_batches order by 1, 2"
PHYSICAL = (
    "select oid from pg_class where relname in ('fct_orders', 'fct_orders_lines', 'int_orders_deduplicated') order by 1"
)

KILL = """
import os, signal, sys
from dbt.cli.main import dbtRunner

def kill(event):
    if event.info.name == "SQLQuery" and sys.argv[1] in event.data.sql:
        os.kill(os.getpid(), signal.SIGKILL)

dbtRunner(callbacks=[kill]).invoke(["--quiet", "--log-level-file", "none", "run"])
"""
# what dbt is about to execute when it is killed -> the tables that are rebuilt by then
KILLED_AT = {
    'rename to "int_orders_deduplicated__dbt_backup"': [],
    'int_orders_deduplicated__dbt_backup" cascade': ["intermediate.int_orders_deduplicated"],
    "values (\n        'fct_orders'": ["intermediate.int_orders_deduplicated"],
    'fct_orders__dbt_backup" cascade': ["intermediate.int_orders_deduplicated", "marts.fct_orders"],
}


def orders(
    *columns: Any, key: tuple[str, ...] = ("/id",), quantity: Any = QUANTITY, version: str = "/changed_at"
) -> Design:
    """Return the design of orders with lines; `columns` are added, or replace those of the same name."""
    own = {
        "id": column("id", "/id"),
        "amount": column("amount", "/amount", "integer"),
        "changed_at": column("changed_at", "/changed_at", "timestamptz"),
    }
    own |= {one.name: one for one in columns}
    lines = table("/lines", "array", column("sku", "/sku", within="/lines/*"), quantity)
    return design("orders", *own.values(), key=key, version=version, children=(lines,))


def order(key: str, day: int = 1, **values: Any) -> dict[str, Any]:
    lines = [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}]
    return {"id": key, "amount": 5, "changed_at": f"2024-01-0{day}T00:00:00Z", "lines": lines} | values


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    project = write_project(tmp_path, monkeypatch, orders())
    with fresh_database():
        make_raw_tables()
        yield project


def run(project: OwnProject, *arguments: str, command: str = "run") -> None:
    done = project.run(command, *arguments)
    assert done.success, done.exception or failures(done)


def content() -> dict[str, list[str]]:
    """Return the rows of each table, and the keys."""
    found = {name: query(f"select to_jsonb(row)::text from {name} as row order by {by}") for name, by in ROWS.items()}
    return found | {"keys": query(KEYS)}


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what the runs since the last call have said about rebuilt tables."""
    return [line for line in capsys.readouterr().out.splitlines() if " is rebuilt from all documents, because " in line]


def as_if_new(project: OwnProject) -> dict[str, list[str]]:
    """Return the content after a full refresh."""
    run(project, "--full-refresh")
    return content()


def test_a_new_column_is_filled_for_all_documents(project: OwnProject, capsys: pytest.CaptureFixture[str]) -> None:
    land("orders", order("o1", channel="phone"), order("o2"), order("o4", channel="phone"))
    undone = land("orders", order("o4", 3, channel="letter"))
    run(project)
    assert not lines(capsys)
    processed = query(PROCESSED)
    undo(str(undone))
    land("orders", order("o1", 2, channel="web"), order("o3", channel="web"))
    write_models(project, orders(CHANNEL))
    before, seen = content(), []

    def read(event: Any) -> None:
        if event.info.name == "SQLQuery" and 'rename to "fct_orders__dbt_backup"' in event.data.sql:
            seen.append(content()["marts.fct_orders"])

    done = project.run("build", on_event=read)
    assert done.success, done.exception or failures(done)
    assert seen == [before["marts.fct_orders"]]
    assert lines(capsys) == [
        "int_orders_deduplicated is rebuilt from all documents, because its columns have changed (channel is new)",
        "fct_orders is rebuilt from all documents, because its columns have changed (channel is new)",
        "fct_orders_lines is rebuilt from all documents, because fct_orders and int_orders_deduplicated were rebuilt",
    ]
    found = "select id, channel from marts.fct_orders order by 1"
    assert query(found) == [("o1", "web"), ("o2", None), ("o3", "web"), ("o4", "phone")]
    assert set(processed) <= set(query(PROCESSED))  # what was recorded is not recorded again
    tables, rebuilt = query(PHYSICAL), content()
    run(project)
    assert (lines(capsys), query(PHYSICAL)) == ([], tables)
    assert as_if_new(project) == rebuilt


def test_a_wider_type_casts_what_was_uncastable(project: OwnProject, capsys: pytest.CaptureFixture[str]) -> None:
    land("orders", order("o1", lines=[{"sku": "a", "quantity": 1.5}]), order("o2"))
    run(project)
    assert query("select id from marts.fct_orders") == ["o2"]
    with engine("transformer").begin() as connection:
        connection.execute(text(TOTALS))
    write_models(project, orders(quantity=NUMERIC_QUANTITY))
    lines(capsys)
    run(project, command="build")
    assert [line.partition(", because ")[2] for line in lines(capsys)] == [
        "stg_orders_lines changed",
        "int_orders_deduplicated was rebuilt",
        "its columns have changed (quantity is numeric instead of integer)",
    ]
    assert query("select id, total::float from marts.totals order by 1") == [("o1", 1.5), ("o2", 3)]
    rebuilt = content()
    assert as_if_new(project) == rebuilt


def test_another_key_or_version_gives_other_outcomes(project: OwnProject, capsys: pytest.CaptureFixture[str]) -> None:
    land("orders", order("o1", shop="s1"), order("o1", 2, shop="s2"))
    land("orders", order("o1", 1, shop="s1", amount=7))
    shop = column("shop", "/shop")
    write_models(project, orders(shop))
    run(project)
    assert query("select shop from marts.fct_orders") == ["s2"]
    lines(capsys)
    write_models(project, orders(shop, version="delivery"))
    run(project)
    assert [line.partition(", because ")[2] for line in lines(capsys)] == [
        "the declaration of orders has changed (version)",
        "int_orders_deduplicated was rebuilt",
        "fct_orders and int_orders_deduplicated were rebuilt",
    ]
    assert query("select shop, amount from marts.fct_orders") == [("s1", 7)]
    write_models(project, orders(shop, key=("/id", "/shop")))
    run(project, command="build")
    assert lines(capsys)[0].endswith(" the declaration of orders has changed (key, version)")
    assert query("select id, shop from marts.fct_orders order by 2") == [("o1", "s1"), ("o1", "s2")]
    rebuilt = content()
    key = "marts.fct_orders_lines FOREIGN KEY (id, shop) REFERENCES marts.fct_orders(id, shop) ON DELETE CASCADE"
    assert key in rebuilt["keys"]
    assert as_if_new(project) == rebuilt


def test_models_run_one_by_one_are_rebuilt_or_refused(project: OwnProject) -> None:
    land("orders", order("o1", channel="web"))
    run(project)
    write_models(project, orders(CHANNEL, quantity=NUMERIC_QUANTITY))
    before = content()
    for model in ("fct_orders", "fct_orders_lines"):
        refused = message(project.run("run", "-s", model))
        assert f"{model} cannot be rebuilt alone, since models that it reads are out of date" in refused, refused
        assert f"run `waybill dbt run -s +{model}`" in refused
    run(project, "-s", "int_orders_deduplicated")
    assert content() == before
    run(project, "-s", "stg_orders", "stg_orders_lines")
    for model in ("int_orders_deduplicated", "fct_orders_lines", "fct_orders", "fct_orders_lines"):
        run(project, "-s", model)
    rebuilt = content()
    assert as_if_new(project) == rebuilt


def test_a_killed_rebuild_is_completed_by_the_next_run(project: OwnProject) -> None:
    land("orders", order("o1", channel="web"), order("o2", 2))
    run(project)
    before = content()
    write_models(project, orders(CHANNEL))
    for moment, rebuilt in KILLED_AT.items():
        killed = subprocess.run([sys.executable, "-c", KILL, moment], cwd=project.project, capture_output=True)
        assert killed.returncode == -signal.SIGKILL, (moment, killed.stderr)
        now = content()
        assert [name for name in ROWS if now[name] != before[name]] == rebuilt, moment
        assert set(before["keys"]) <= set(now["keys"])
    run(project, command="build")
    assert query("select id, channel from marts.fct_orders order by 1") == [("o1", "web"), ("o2", None)]
    completed = content()
    assert as_if_new(project) == completed


@pytest.mark.skipif("transformer" not in own_logins(get_settings()), reason="one login plays all roles")
def test_a_view_of_another_role_stops_the_rebuild_by_name(project: OwnProject) -> None:
    land("orders", order("o1"))
    run(project)
    execute(TOTALS)
    write_models(project, orders(quantity=NUMERIC_QUANTITY))
    refused = message(project.run("run"))
    assert "the view marts.totals reads fct_orders_lines, which is rebuilt, and belongs to another role" in refused
    execute("drop view marts.totals")
    run(project, command="build")
