"""A server that is running but accepts no connection is waited for: slots taken, recovering, killed, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

import waybill.backoff
from tests.crash.servers import processes
from tests.support.databases import own_server
from warehouse import embedded
from warehouse.connecting.refusals import class_of
from warehouse.connection import connect, connection_parameters, forget
from warehouse.errors import ServerAway, ServerBusy, ServerUnreachable
from warehouse.server_paths import ServerPaths

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("unset")]


@pytest.fixture
def paths(unset: None) -> Iterator[ServerPaths]:
    with own_server() as paths:
        connection_parameters("owner")
        yield paths


def owner(paths: ServerPaths) -> psycopg2.extensions.connection:
    return psycopg2.connect(host=str(paths.socket), user=embedded.OWNER, dbname="waybill")


@pytest.fixture
def full(paths: ServerPaths) -> Iterator[list[psycopg2.extensions.connection]]:
    """Take every connection that the server allows."""
    embedded.stop(paths)
    (paths.data / "waybill.conf").write_text((paths.data / "waybill.conf").read_text() + "max_connections = 8\n")
    paths.command("pg_ctl", "-D", paths.data, "-w", "-l", paths.log, "start")
    taken = [owner(paths) for _ in range(8)]
    forget()
    yield taken
    for connection in taken:
        connection.close()


def test_a_server_without_a_free_connection_is_waited_for(
    full: list[psycopg2.extensions.connection], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def free(_: float) -> None:
        while full:
            full.pop().close()
        time.sleep(0.5)

    monkeypatch.setattr(waybill.backoff, "time", SimpleNamespace(sleep=free))
    connect("reader").close()
    assert "is running but accepts no connection: FATAL: sorry, too many clients already" in caplog.text


def test_one_that_stays_full_is_reported_as_running(
    full: object, monkeypatch: pytest.MonkeyPatch, paths: ServerPaths
) -> None:
    monkeypatch.setattr(waybill.backoff, "PAUSES_SECONDS", (0.01, 0.01))
    with pytest.raises(ServerBusy, match="is running but accepts no connection: FATAL:  sorry, too many clients"):
        connect("loader")
    shown = subprocess.check_output([sys.executable, "-m", "warehouse", "status"], text=True)
    assert "state:    running, accepts no connection now: FATAL:  sorry, too many clients already" in shown
    assert "postmaster.pid" not in paths.log.read_text(), "nobody has tried to start it a second time"


def test_a_server_that_does_not_answer_is_not_started_again(paths: ServerPaths) -> None:
    postmaster = processes(paths)[0].pid
    os.kill(postmaster, signal.SIGSTOP)
    forget()
    resumed = threading.Timer(7, os.kill, [postmaster, signal.SIGCONT])
    resumed.start()
    try:
        connect("reader").close()
    finally:
        resumed.join()
    assert "postmaster.pid" not in paths.log.read_text()


def test_processes_of_a_killed_server_are_waited_for(paths: ServerPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "END_SECONDS", 1)
    busy = owner(paths)
    backend = busy.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    os.kill(processes(paths)[0].pid, signal.SIGKILL)
    forget()
    ended = threading.Timer(4, os.kill, [backend, signal.SIGKILL])
    ended.start()
    try:
        with pytest.raises(ServerBusy, match="was killed, and some of its processes have not ended yet"):
            embedded.start(paths)
        connect("reader").close()
    finally:
        ended.join()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('connection to server on socket "/s" failed: FATAL:  the database system is starting up', ServerBusy),
        ('connection to server on socket "/s" failed: FATAL:  the database system is shutting down', ServerBusy),
        ('connection to server on socket "/s" failed: FATAL:  the database system is in recovery mode', ServerBusy),
        ('connection to server at "h" failed: FATAL:  sorry, too many clients already', ServerBusy),
        ('connection to server at "h" failed: FATAL:  too many connections for role "me"', ServerBusy),
        ('connection to server at "h" failed: FATAL:  remaining connection slots are reserved for roles', ServerBusy),
        ('connection to server at "h" failed: Connection refused', ServerAway),
        ('could not translate host name "invalid" to address: Temporary failure in name resolution', ServerAway),
        ('definition of service "x" not found', ServerUnreachable),
        ('root certificate file "/r" does not exist', ServerUnreachable),
    ],
)
def test_each_refusal_has_its_class(text: str, expected: type[ServerUnreachable]) -> None:
    assert class_of(psycopg2.OperationalError(text)) is expected


def test_commands_at_once_on_no_server_at_all_succeed(paths: ServerPaths, tmp_path: Path) -> None:
    embedded.remove(paths)
    commands = [
        ["warehouse", "up"],
        ["warehouse", "status"],
        ["loader", "rejects"],
        ["warehouse", "psql", "-c", ""],
    ] * 2
    at_once = [
        subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    errors = [process.communicate()[1] for process in at_once]
    assert [process.returncode for process in at_once] == [0] * len(commands), errors
