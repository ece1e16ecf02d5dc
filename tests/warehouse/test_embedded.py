"""The embedded server: private, restarted after a kill, independent of others, with clear errors."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.support.databases import own_server
from warehouse import embedded
from warehouse.connection import connect, connection_parameters, current_warehouse
from warehouse.errors import DataFolderRefused, ServerAway, ServerNotStarted, ServerNotStopped
from warehouse.server_paths import SOCKET_NAME, ServerPaths

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("unset")]


@pytest.fixture
def paths(unset: None) -> Iterator[ServerPaths]:
    """Return the paths of a server in a new folder, like that of another clone."""
    with own_server() as paths:
        yield paths


def test_it_has_no_port_and_refuses_other_users(paths: ServerPaths) -> None:
    connection = connect("reader")
    with connection.cursor() as cursor:
        cursor.execute("show listen_addresses")
        assert cursor.fetchone() == ("",)
    connection.close()
    assert (paths.socket.stat().st_mode & 0o777, paths.data.stat().st_mode & 0o777) == (0o700, 0o700)


def test_it_restarts_after_kill_9(paths: ServerPaths) -> None:
    assert embedded.start(paths)
    assert not embedded.start(paths)
    os.kill(int((paths.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    time.sleep(0.2)
    embedded.start(paths)
    assert embedded.accepts_connections(paths)


@pytest.mark.parametrize("is_full", [True, False])
def test_a_command_says_why_its_server_is_gone(
    paths: ServerPaths, monkeypatch: pytest.MonkeyPatch, *, is_full: bool
) -> None:
    connect("loader").close()
    embedded.stop(paths)
    if is_full:
        monkeypatch.setattr(embedded, "MIN_FREE_TO_START", 1 << 60)
    with pytest.raises(ServerAway) as stopped:
        connect("loader")
    advice = embedded.FULL if is_full else f"run the same command again, which starts it; its log is {paths.log}"
    assert str(stopped.value).endswith(f"No such file or directory; {advice}")


def test_it_restarts_when_its_socket_was_deleted(paths: ServerPaths) -> None:
    embedded.start(paths)
    for path in paths.socket.iterdir():
        path.unlink()
    assert embedded.start(paths)
    assert (paths.socket / SOCKET_NAME).exists()


def test_a_leftover_socket_is_removed(paths: ServerPaths) -> None:
    with socket.socket(socket.AF_UNIX) as others:
        others.bind(str(paths.socket / SOCKET_NAME))
        process = subprocess.Popen(["sleep", "60"], user=paths.user.pw_uid)
        lock = paths.socket / f"{SOCKET_NAME}.lock"
        lock.write_text(f"{process.pid}\n{paths.data}\n1\n5432\n{paths.socket}\n\n")
        os.chown(lock, paths.user.pw_uid, paths.user.pw_gid)
        assert embedded.start(paths)
        process.kill()
        process.wait()


def test_it_outlives_the_shell_that_started_it(paths: ServerPaths) -> None:
    command = [sys.executable, "-m", "warehouse", "up"]
    started = subprocess.run(command, start_new_session=True, capture_output=True, text=True, check=True)
    assert started.stdout.startswith("warehouse up: embedded PostgreSQL 18")
    assert embedded.accepts_connections(paths)


def test_commands_that_create_it_at_once_take_turns(paths: ServerPaths) -> None:
    names = ["first", "second", "third"]
    command = [sys.executable, "-m", "warehouse", "up"]
    at_once = [
        subprocess.Popen(command, env={**os.environ, "PGDATABASE": name}, stderr=subprocess.PIPE, text=True)
        for name in names
    ]
    assert [process.communicate()[1] for process in at_once] == ["", "", ""]
    connection = psycopg2.connect(host=str(paths.socket), user=embedded.OWNER, dbname="postgres")
    with connection.cursor() as cursor:
        cursor.execute("select datname from pg_database where datname = any(%s) order by 1", [names])
        assert [name for (name,) in cursor.fetchall()] == names
    connection.close()


def test_two_servers_run_side_by_side(paths: ServerPaths) -> None:
    embedded.start(paths)
    with own_server() as other:
        embedded.start(other)
        assert embedded.accepts_connections(paths) and embedded.accepts_connections(other)


def test_a_data_folder_of_another_version_is_refused(paths: ServerPaths) -> None:
    embedded.start(paths)
    embedded.stop(paths)
    (paths.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataFolderRefused, match="belongs to PostgreSQL 17, this is 18: move the folder elsewhere"):
        embedded.start(paths)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_data_folder_of_another_user_is_refused(paths: ServerPaths) -> None:
    embedded.start(paths)
    embedded.stop(paths)
    os.chown(paths.data.parent, 12345, 12345)
    with pytest.raises(DataFolderRefused, match=r"belongs to user id 12345, .* make your own clone"):
        connection_parameters("owner")


def test_a_path_too_long_for_a_socket_puts_it_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / ("très long " * 8 + "é") / "état"
    monkeypatch.setenv("WAYBILL_STATE", str(folder))
    paths = current_warehouse().server
    assert paths is not None
    try:
        assert embedded.start(paths)
        assert len(os.fsencode(paths.socket / SOCKET_NAME)) <= 107
    finally:
        embedded.stop(paths)
        shutil.rmtree(paths.socket)
        shutil.rmtree(paths.data.parent)


def test_a_failed_start_shows_the_last_line_of_the_log(paths: ServerPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_SECONDS", 1)
    monkeypatch.setattr(embedded, "CONFIGURATION", embedded.CONFIGURATION + "no_such_setting = 1\n")
    with pytest.raises(ServerNotStarted, match=r"did not start; its log .*server\.log ends: .*FATAL"):
        embedded.start(paths)


def test_a_server_that_does_not_stop_keeps_its_data(paths: ServerPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 1)
    embedded.start(paths)
    server = embedded.find_process(paths)
    assert server is not None
    server.suspend()
    try:
        for stops in (embedded.stop, embedded.remove):
            with pytest.raises(ServerNotStopped, match="has not stopped within 1 seconds"):
                stops(paths)
        assert paths.data.exists() and paths.socket.exists()
    finally:
        server.resume()
        server.wait(60)
