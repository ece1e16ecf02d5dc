"""A database that is being restored: no other command works there until the restore is complete, or it is emptied."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.databases import rows
from warehouse.connection import connect, connection_parameters, current_warehouse, forget
from warehouse.errors import LayoutMismatch, RestoreAtWork, RestoreInterrupted, RestoreRefused
from warehouse.restoring.database import marked, opened_for_restore
from warehouse.restoring.mark import Mark
from waybill.settings import PROJECT, get_settings

COMMAND = "restore /backups"
MARK = Mark(COMMAND, "00000000-0000-0000-0000-000000000001", "/models of \udcff")


@contextmanager
def restoring() -> Iterator[None]:
    """Restore nothing into the database that PGDATABASE names."""
    with opened_for_restore(current_warehouse()) as connection, marked(connection, MARK):
        yield


@pytest.fixture
def interrupted(database: str) -> Iterator[str]:
    """Give a database whose restore was interrupted."""
    with pytest.raises(ZeroDivisionError), restoring():
        raise ZeroDivisionError
    yield database


def run_waybill(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "waybill", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip


@pytest.mark.parametrize("command", [("up",), ("status",), ("drift",), ("psql", "-c", "select 1")])
def test_other_commands_refuse_an_interrupted_restore(interrupted: str, command: tuple[str, ...]) -> None:
    ran = run_waybill(*command)
    assert ran.returncode == 1
    assert f"error: a restore into the database {interrupted} was interrupted: run `" in ran.stderr
    assert f"{COMMAND}` again, or empty the database with `" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_other_commands_are_refused_while_it_works(database: str) -> None:
    with restoring():
        ran = run_waybill("status")
        assert ran.returncode == 75
        assert f"a restore into the database {database} is at work: wait for its end" in ran.stderr


def test_a_second_restore_at_once_is_refused(database: str) -> None:
    with restoring(), pytest.raises(RestoreAtWork, match="another restore"), restoring():
        pass


def test_reset_forgets_an_interrupted_restore(interrupted: str) -> None:
    ran = run_waybill("reset", "--yes", interrupted)
    assert ran.returncode == 0, ran.stderr
    assert rows("select count(*) from ledger.runs") == [(0,)]


def test_reset_is_refused_while_a_restore_works(database: str) -> None:
    with restoring():
        ran = run_waybill("reset", "--yes", database)
    assert ran.returncode == 75
    assert "another restore" in ran.stderr


def test_an_interrupted_restore_can_begin_again(interrupted: str) -> None:
    with restoring():
        pass
    connection_parameters("reader")
    assert rows("select count(*) from ledger.runs") == [(0,)]


def test_a_warehouse_with_data_is_refused_untouched(database: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("create table raw.cafes (document jsonb)")
        cursor.execute("insert into raw.cafes values ('{}')")
    connection.close()
    with (
        pytest.raises(RestoreRefused, match=r"is not empty, 1 table has rows: raw\.cafes; .* nothing was changed"),
        restoring(),
    ):
        pytest.fail("it begins")
    forget()
    assert rows("select count(*) from raw.cafes") == [(1,)]


def test_another_programs_schema_is_refused_untouched(database: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("drop schema raw, ledger, staging, intermediate, marts, predictions cascade")
        cursor.execute("create schema marts create table mine (number integer)")
    with pytest.raises(LayoutMismatch, match="a schema marts that Waybill did not create"), restoring():
        pytest.fail("it begins")
    with connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from marts.mine")
        cursor.execute("drop schema marts cascade")
    connection.close()


def test_runs_are_no_data(database: str) -> None:
    assert run_waybill("drift").returncode == 0
    with restoring():
        assert get_settings().pgdatabase == database


def test_the_error_is_raised_in_this_process_too(interrupted: str) -> None:
    forget()
    with pytest.raises(RestoreInterrupted):
        connection_parameters("loader")
