"""Commands that work on the warehouse hold a shared lock; a migration takes it exclusively and names its holders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from tests.support.databases import end_other_sessions, fresh_database, rows
from tests.support.old_layouts import restored_layout
from warehouse.connection import connect, connection_parameters, current_warehouse, forget, login_parameters
from warehouse.errors import LayoutMismatch
from warehouse.migrations.layouts import latest_layout
from warehouse.migrations.workers import KEY, wait_for_workers
from warehouse.reconnecting import ReconnectingConnection
from warehouse.runs import recorded_run
from warehouse.schema import drop_everything
from warehouse.work_lock import working
from waybill.settings import PROJECT, get_settings

AS_HOLDER = """
import sys, time
from warehouse.work_lock import working
with working("load orders"):
    print("holds", flush=True)
    time.sleep(600)
"""
ONLY_EMBEDDED = pytest.mark.skipif(not get_settings().is_embedded, reason="dumps name the embedded server's logins")


def holders() -> list[str]:
    """Return the commands that hold the lock in the current database."""
    query = """
        select application_name from pg_locks inner join pg_stat_activity using (pid)
        where locktype = 'advisory' and mode = 'ShareLock' and granted and objid = %s and datname = current_database()
        order by backend_start
    """
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(query, [KEY])
        found = [name for (name,) in cursor.fetchall()]
    connection.close()
    return found


@contextmanager
def unprepared(application: str = "a test") -> Iterator[Connection]:
    """Open the owner's connection to a database that is not migrated for it."""
    login = {**login_parameters(current_warehouse(), "owner"), "application_name": application}
    connection = psycopg2.connect(**login)  # type: ignore[call-overload]
    connection.autocommit = True
    yield connection
    connection.close()


def layout(connection: Connection) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("select max(version) from ledger.layout")
        return cursor.fetchone()[0]  # type: ignore[index]


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr
    output = ""
    while words not in output:
        line = process.stderr.readline()
        assert line, output
        output += line
    return output


@ONLY_EMBEDDED
def test_a_migration_waits_for_a_worker_and_names_it(server: None) -> None:
    with restored_layout(5, f"old_{uuid4().hex[:12]}"), unprepared("waybill consume orders") as worker:
        with worker.cursor() as cursor:
            cursor.execute("select pg_advisory_lock_shared(%s)", [KEY])
        command = [sys.executable, "-m", "warehouse", "up"]
        migrating = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PROJECT)
        output = read_until(migrating, "holders=")
        assert "a migration of the tables waits for commands to end" in output
        assert f"waybill consume orders (server process {worker.info.backend_pid}, since 20" in output
        time.sleep(0.5)
        assert migrating.poll() is None
        assert layout(worker) == 5
        with worker.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock_shared(%s)", [KEY])
        assert migrating.wait(60) == 0
        assert layout(worker) == latest_layout()
        migrating.communicate()


def test_a_killed_worker_releases_the_lock(database: str) -> None:
    worker = subprocess.Popen([sys.executable, "-c", AS_HOLDER], stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert worker.stdout
    assert worker.stdout.readline() == "holds\n"
    assert holders() == ["waybill load orders"]
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    connection = connect("owner")
    wait_for_workers(connection)
    connection.close()
    assert holders() == []


def test_every_recorded_run_holds_the_lock(database: str) -> None:
    with recorded_run("load orders"):
        assert holders() == ["waybill load orders"]
        with working("dbt"):
            assert holders() == ["waybill load orders", "waybill dbt"]
    assert holders() == []
    with pytest.raises(ZeroDivisionError), recorded_run("load orders"):
        _ = 1 / 0
    assert holders() == []


def test_work_does_not_begin_while_a_migration_runs(database: str, caplog: pytest.LogCaptureFixture) -> None:
    migrating = connect("owner")
    wait_for_workers(migrating)
    worker = subprocess.Popen(
        [sys.executable, "-c", AS_HOLDER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT
    )
    assert "waiting for a migration of the tables" in read_until(worker, "holders=")
    assert holders() == []
    migrating.close()
    assert worker.stdout
    assert worker.stdout.readline() == "holds\n"
    worker.kill()
    worker.communicate()


def test_work_that_waited_for_a_newer_layout_is_refused(database: str) -> None:
    connection_parameters("loader")  # this process knows the database as ready
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ledger.layout (version) values (99)")
    with pytest.raises(LayoutMismatch, match="made by a newer Waybill"), recorded_run("load orders"):
        raise AssertionError("work began")
    assert rows("select command from ledger.runs") == []
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from ledger.layout where version = 99")
    connection.close()


def test_a_lock_that_was_lost_with_the_server_is_taken_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waybill.backoff.PAUSES_SECONDS", (0.01, 0.01))
    lost = []

    def lose_all(connection: Connection) -> list[str]:
        if not lost:
            lost.append(connection.info.backend_pid)
            end_other_sessions()
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        return holders()

    with recorded_run("load orders"):
        loading = ReconnectingConnection("loader")
        assert loading.run(lose_all) == ["waybill load orders"]
        loading.close()


def test_a_worker_can_make_tables_again_that_were_dropped(database: str) -> None:
    with working("consume orders"):
        connection = connect("owner")
        drop_everything(connection)
        connection.close()
        forget()
        assert rows("select count(*) from ledger.runs") == [(0,)]


def test_the_lock_is_of_one_database(database: str) -> None:
    with working("load orders"), fresh_database():
        connection = connect("owner")
        wait_for_workers(connection)
        connection.close()
    forget()
    assert os.environ["PGDATABASE"] == database
