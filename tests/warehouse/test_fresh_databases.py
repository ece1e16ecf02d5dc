"""Commands at once on a database that does not exist yet, and commands that must not create one."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import uuid4

import pytest

from tests.support.databases import drop_database, execute_on_server, rows
from warehouse.connection import current_warehouse, forget, login_parameters, open_connection
from warehouse.migrations.layouts import latest_layout
from warehouse.migrations.workers import MIGRATIONS_KEY

ROUNDS, COMMANDS = 3, 4


@pytest.mark.parametrize("number", range(ROUNDS))
def test_commands_at_once_all_succeed(server: None, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    name = f"test_{uuid4().hex[:12]}"
    monkeypatch.setenv("PGDATABASE", name)
    program = "from warehouse.runs import recorded_run\nwith recorded_run('load'): pass"
    at_once = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(COMMANDS)
    ]
    try:
        errors = [process.communicate()[1] for process in at_once]
        assert [process.returncode for process in at_once] == [0] * COMMANDS, errors
        assert rows("select max(version) from ledger.layout") == [(latest_layout(),)]
        assert rows("select count(*) from ledger.runs where outcome = 'succeeded'") == [(COMMANDS,)]
    finally:
        drop_database(name)


def test_schemas_are_judged_only_under_the_lock(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"test_{uuid4().hex[:12]}"
    monkeypatch.setenv("PGDATABASE", name)
    execute_on_server(f"create database {name}")
    rival = open_connection(login_parameters(current_warehouse(), "owner"))
    rival.autocommit = True
    try:
        rival.cursor().execute("select pg_advisory_lock(%s)", [MIGRATIONS_KEY])
        rival.cursor().execute("create schema intermediate")  # as if it had begun to make all of them
        command = [sys.executable, "-m", "warehouse", "up"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr
            assert "waiting for a migration of the tables" in waiting.stderr.readline()
            rival.cursor().execute("drop schema intermediate")
            rival.close()
            assert waiting.wait(60) == 0
    finally:
        rival.close()
        drop_database(name)


@pytest.mark.parametrize("command", [["warehouse", "status"], ["loader", "drift"], ["loader", "why", "a:1"]])
def test_a_command_that_only_reads_creates_no_database(database: str, command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "PGDATABASE": "no_such"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith("error: no database no_such: the server has ")
    assert result.stderr.endswith("; check PGDATABASE\n")
    forget()
    assert rows("select from pg_database where datname = 'no_such'") == []
