"""A warehouse that cannot be looked at is an alert in one line; `waybill check` never starts or changes anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from pipeline.alerts.command import check
from pipeline.alerts.judging import judge
from tests.support.databases import own_server, own_state, rows
from tests.support.small.task import execute
from warehouse import embedded
from warehouse.connection import connect
from waybill.cli import shown_command

HEAVY = ("dbt", "great_expectations", "sklearn", "pandas", "numpy", "kafka", "pyarrow")
SHOW_IMPORTS = f"""
import sys
from click.testing import CliRunner
from pipeline.alerts.command import check
CliRunner().invoke(check, ["--json"])
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_a_server_that_was_never_started_is_not_started(project: object) -> None:
    with own_state() as folder:
        [alert] = judge().alerts
        assert (alert.rule, alert.message) == ("no_run", "nothing has run yet")
        assert not (folder / "postgres" / "data").exists()


@pytest.mark.server
def test_a_stopped_server_is_an_alert_and_stays_stopped(project: object) -> None:
    with own_server() as paths:
        embedded.start(paths)
        assert [alert.rule for alert in judge().alerts] == ["no_run"]  # there is no database yet
        embedded.stop(paths)
        found = judge()
        [alert] = found.alerts
        assert (alert.rule, alert.command) == ("warehouse_away", shown_command("up"))
        assert alert.message == f"the embedded PostgreSQL in {paths.data} is not running"
        assert set(found.not_judged.values()) == {"the warehouse cannot be read"}
        assert embedded.find_process(paths) is None


def test_a_database_that_is_missing_is_an_alert(database: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDATABASE", "no_such_database")
        [alert] = judge().alerts
    assert (alert.rule, alert.name) == ("warehouse_away", "no_such_database")
    assert alert.message.startswith("no database no_such_database: the server has ")
    assert rows("select count(*) from pg_database where datname = 'no_such_database'") == [(0,)]


def test_an_external_server_that_is_away_is_an_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "127.0.0.1", "PGPORT": "9", "PGUSER": "me", "PGPASSWORD": "hush"}.items():
        monkeypatch.setenv(name, value)
    ran = subprocess.run(
        [sys.executable, "-m", "pipeline.alerts.command"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (75, "")
    first = ran.stdout.splitlines()[0]
    assert first.startswith("ALERT warehouse_away waybill: PostgreSQL at 127.0.0.1:9 as me refused the connection: ")
    assert "hush" not in ran.stdout and "Traceback" not in ran.stdout


def test_what_a_later_check_does_not_get_past_exits_with_1(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATABASE", "no_such_database")
    refused = CliRunner().invoke(check, [])
    assert (refused.exit_code, refused.output.split()[:2]) == (1, ["ALERT", "warehouse_away"])
    wrong = {**os.environ, "WAYBILL_ALERT_LAG_MINUTES": "soon"}
    command = [sys.executable, "-m", "pipeline.alerts.command"]
    ran = subprocess.run(command, env=wrong, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (1, "") and "WAYBILL_ALERT_LAG_MINUTES" in ran.stderr


@pytest.mark.parametrize(
    ("layout", "words"), [(-1, "the next command migrates it to "), (1, "made by a newer Waybill")]
)
def test_another_layout_is_an_alert(quiet: object, layout: int, words: str) -> None:
    execute("delete from ledger.layout where version <> (select max(version) from ledger.layout)")
    execute(f"update ledger.layout set version = version + {layout}")
    [alert] = judge().alerts
    assert (alert.rule, alert.command) == ("warehouse_away", shown_command("up"))
    assert words in alert.message


def test_a_locked_ledger_is_an_alert_in_seconds(quiet: object) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("lock table ledger.runs in access exclusive mode")
        started = time.monotonic()
        [alert] = judge().alerts
        assert time.monotonic() - started < 10
    connection.close()
    assert (alert.rule, alert.message) == ("warehouse_away", "canceling statement due to lock timeout")


def test_a_locked_mart_only_hides_what_is_read_of_it(quiet: object) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("lock table intermediate.int_orders_outcomes in access exclusive mode")
        found = judge()
    connection.close()
    assert found.alerts == []
    assert found.not_judged["books_unbalanced"] == "canceling statement due to lock timeout"


def test_it_loads_no_heavy_library(quiet: object) -> None:
    ran = subprocess.run([sys.executable, "-c", SHOW_IMPORTS], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_it_reads_in_one_transaction_that_cannot_write(quiet: object, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def look(connection: object, settings: object, now: object) -> object:
        from sqlalchemy import text

        from pipeline.alerts.alert import Found

        names = "transaction_read_only", "transaction_isolation", "application_name"
        seen.extend(connection.scalar(text(f"select current_setting('{name}')")) for name in names)  # type: ignore[attr-defined]
        seen.append(connection.scalar(text("select current_user")))  # type: ignore[attr-defined]
        return Found()

    monkeypatch.setattr("pipeline.alerts.judging.judge_consumers", look)
    before = rows("select count(*) from ledger.runs")
    assert json.loads(CliRunner().invoke(check, ["--json"]).output)["alerts"] == []
    assert seen == ["on", "repeatable read", "waybill check", "waybill_reader"]
    assert rows("select count(*) from ledger.runs") == before
