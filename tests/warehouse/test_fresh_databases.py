"""Commands at once on a database that does not exist yet, and commands that must not create one."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import uuid4

import pytest

from tests.support.databases import drop_database, rows
from warehouse.connection import forget
from warehouse.migrations.layouts import latest_layout

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


@pytest.mark.parametrize("command", [["warehouse", "status"], ["loader", "drift", "flights"], ["loader", "why", "a:1"]])
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
