"""Commands that delete data ask for the database's name; `make clean` never deletes a database."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.support.databases import own_server, rows
from warehouse import embedded
from warehouse.connection import connect, current_warehouse
from warehouse.work_lock import working
from waybill.identifiers import uuid7
from waybill.settings import PROJECT


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warehouse", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip


def type_at_terminal(text: str, *arguments: str) -> tuple[int, str]:
    """Run a command in a new terminal; return its exit code and its output."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse", *arguments], stdin=its, stdout=its, stderr=its, cwd=PROJECT
    )
    os.close(its)
    os.write(ours, f"{text}\n".encode())
    shown = b""
    while process.poll() is None or shown == b"":
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the terminal's other side is closed
            break
    os.close(ours)
    return process.wait(30), shown.decode()


def record_run() -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ledger.runs (run_id, command, versions) values (%s, 'mine', '{}')", [str(uuid7())])
    connection.close()


@pytest.mark.parametrize("command", ["reset", "remove"])
def test_without_a_terminal_nothing_is_deleted(database: str, command: str) -> None:
    if command == "remove" and current_warehouse().server is None:
        pytest.skip("there is nothing to remove on an external server")
    record_run()
    ran = run_command(command)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: This ")
    assert f"add `--yes {database}`; nothing was deleted" in ran.stderr
    assert rows("select command from ledger.runs") == [("mine",)]


@pytest.mark.parametrize("command", ["reset", "remove"])
def test_another_name_deletes_nothing(database: str, command: str) -> None:
    if command == "remove" and current_warehouse().server is None:
        pytest.skip("there is nothing to remove on an external server")
    record_run()
    ran = run_command(command, "--yes", "waybill")
    assert ran.returncode == 1
    assert f"'waybill' is not the name of the database, {database}; nothing was deleted" in ran.stderr
    code, shown = type_at_terminal("yes", command)
    assert code == 1
    assert f"Type the name of the database ({database}) to confirm" in shown
    assert "nothing was deleted" in shown
    assert rows("select command from ledger.runs") == [("mine",)]


def test_reset_waits_for_the_commands_that_work(database: str) -> None:
    record_run()
    with working("load orders"):
        reset = subprocess.Popen(
            [sys.executable, "-m", "warehouse", "reset", "--yes", database], stderr=subprocess.PIPE, text=True,
            cwd=PROJECT,
        )  # fmt: skip
        assert reset.stderr is not None
        line = reset.stderr.readline()
        assert "reset waits for commands to end" in line
        assert "waybill load orders" in line
        assert rows("select command from ledger.runs") == [("mine",)]
    reset.communicate(timeout=60)
    assert reset.returncode == 0
    assert rows("select command from ledger.runs") == []


@pytest.mark.parametrize("command", [["down"], ["remove", "--yes", "waybill"]], ids=" ".join)
@pytest.mark.usefixtures("unset", "server")
def test_stopping_the_server_waits_for_the_commands(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with own_server() as paths:
        monkeypatch.setenv("PGDATABASE", "another")  # of the same server
        with working("load orders"):
            monkeypatch.delenv("PGDATABASE")
            stopping = subprocess.Popen(
                [sys.executable, "-m", "warehouse", *command], stderr=subprocess.PIPE, text=True, cwd=PROJECT
            )
            assert stopping.stderr is not None
            line = stopping.stderr.readline()
            assert "waiting for commands to end, before the server stops" in line
            assert "waybill load orders" in line
            assert embedded.accepts_connections(paths)
        stopping.communicate(timeout=60)
        assert stopping.returncode == 0
        assert not embedded.accepts_connections(paths)
        paths.data.parent.mkdir(parents=True, exist_ok=True)  # `own_server` removes it
        paths.socket.mkdir(parents=True, exist_ok=True)


def test_reset_empties_the_database_when_its_name_is_given(database: str) -> None:
    record_run()
    assert run_command("reset", "--yes", database).returncode == 0
    assert rows("select command from ledger.runs") == []
    record_run()
    code, shown = type_at_terminal(database, "reset")
    assert code == 0, shown
    assert rows("select command from ledger.runs") == []


@pytest.mark.usefixtures("unset", "server")
def test_remove_deletes_the_server_when_the_name_is_given() -> None:
    with own_server() as paths:
        assert run_command("up").returncode == 0
        assert run_command("remove", "--yes", "waybill").returncode == 0
        assert not paths.data.exists()
        paths.data.parent.mkdir(exist_ok=True)
        paths.socket.mkdir(exist_ok=True)


def test_make_clean_deletes_no_database() -> None:
    recipe = subprocess.run(["make", "-n", "clean"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert "waybill down" in recipe
    assert not any(word in recipe for word in ("remove", "reset", "destroy", " .waybill ", ".waybill/postgres"))
