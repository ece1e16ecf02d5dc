"""Airflow on this machine: reachable from here only, with a password that is shown once, and stopped completely."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from pipeline.airflow import process
from pipeline.airflow.configuration import airflow_variables
from pipeline.airflow.errors import NotInstalled, NotStarted
from pipeline.airflow.paths import USER, AirflowPaths, find_airflow, set_password
from tests.support.scheduled.airflow import airflow_program
from waybill.settings import Settings, get_settings


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowPaths]:
    """Return the paths of an Airflow that has never been started."""
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WAYBILL_AIRFLOW_PORT", str(free_port()))
    found = find_airflow(get_settings())
    yield found
    process.stop(found)


def command(*arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "pipeline.airflow", *arguments], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    return ran.stdout


def log_in(port: int, password: str) -> int:
    """Return the status of the answer to a login."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"username": USER, "password": password})
    connection.request("POST", "/auth/token", body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.server
def test_it_listens_on_loopback_and_asks_for_its_password(paths: AirflowPaths) -> None:
    airflow_program()
    first = command("up")
    found, port = process.find_running_airflow(paths), get_settings().waybill_airflow_port
    assert found
    supervisor = psutil.Process(found.pid)
    family = [supervisor, *supervisor.children(recursive=True)]
    listening = {
        (one.laddr.ip, one.laddr.port)
        for member in family
        for one in member.net_connections()
        if one.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", port)}
    password = json.loads(paths.passwords.read_text())[USER]
    assert f"http://127.0.0.1:{port}\nuser:    {USER}, password {password} (shown once)\n" in first
    assert password not in command("up")  # it runs already
    assert password not in paths.log.read_text()
    assert (log_in(port, password), log_in(port, "wrong")) == (201, 401)
    assert {path.stat().st_mode & 0o077 for path in (paths.home, paths.passwords, paths.home / "airflow.cfg")} == {0}
    assert command("down") == "stopped: Airflow\n"
    deadline = time.monotonic() + 10
    while any(member.is_running() for member in family) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [member for member in family if member.is_running()]
    assert command("down") == "not running: Airflow\n"


def test_a_taken_port_is_named_with_its_variable(paths: AirflowPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "program", lambda paths: Path(sys.executable))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = r"port \d+ of 127.0.0.1 is in use: set another one in WAYBILL_AIRFLOW_PORT"
        with pytest.raises(NotStarted, match=taken):
            process.start(paths, other.getsockname()[1])


def test_without_its_environment_the_make_target_is_named(
    paths: AirflowPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(AirflowPaths, "environment", tmp_path / "none")
    with pytest.raises(NotInstalled, match="`make airflow` installs it"):
        process.start(paths, free_port())


def still_runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # without a parent, as nothing may collect it
    except psutil.NoSuchProcess:
        return False


def test_a_process_that_ends_stops_the_others_and_is_named(
    paths: AirflowPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in = tmp_path / "airflow"
    stand_in.write_text(
        f"#!/bin/sh\ncase $1 in db) ;; scheduler) exit 3;; *) sleep 60 & echo $$ $! >> {tmp_path}/pids; wait;; esac\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr(process, "program", lambda paths: stand_in)
    with (
        socket.create_server(("127.0.0.1", 0)) as api_server,
        pytest.raises(NotStarted, match="Airflow's scheduler ended, so the others were stopped"),
    ):
        process.run_components(paths, {**os.environ, "AIRFLOW__API__PORT": str(api_server.getsockname()[1])})
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    deadline = time.monotonic() + 10  # the signal was sent to the whole group: its members end when they are scheduled
    while (left := [pid for pid in pids if still_runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def test_the_scheduler_waits_until_the_api_server_answers(
    paths: AirflowPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in, started, port = tmp_path / "airflow", tmp_path / "started", free_port()
    listen = f"import socket, time; time.sleep(2); print(time.time()); s = socket.create_server(('127.0.0.1', {port}))"
    stand_in.write_text(
        f'#!/bin/sh\ncase $1 in db) ;; api-server) {sys.executable} -u -c "{listen}; time.sleep(60)" > {tmp_path}/answers;;'
        f" *) date +%s.%N >> {started}; sleep 1; exit 3;; esac\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr(process, "program", lambda paths: stand_in)
    with pytest.raises(NotStarted, match="Airflow's scheduler ended"):
        process.run_components(paths, {**os.environ, "AIRFLOW__API__PORT": str(port)})
    assert float(started.read_text().split()[0]) > float((tmp_path / "answers").read_text())


def test_a_password_of_the_settings_is_used_and_not_shown(paths: AirflowPaths) -> None:
    assert (
        set_password(paths, get_settings().model_copy(update={"waybill_airflow_password": SecretStr("mine")})) is None
    )
    assert json.loads(paths.passwords.read_text()) == {USER: "mine"}
    assert paths.passwords.stat().st_mode & 0o777 == 0o600
    assert set_password(paths, get_settings()) is None  # the one that exists stays


def test_its_processes_get_no_path_of_the_projects_python(paths: AirflowPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/project")
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "2")
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/elsewhere")
    variables = airflow_variables(paths, get_settings())
    assert "PYTHONPATH" not in variables
    assert variables["AIRFLOW__CORE__PARALLELISM"] == "2"
    assert variables["AIRFLOW__CORE__DAGS_FOLDER"] == str(process.PROJECT / "dags")
    assert (variables["AIRFLOW__API__HOST"], variables["AIRFLOW__CORE__LOAD_EXAMPLES"]) == ("127.0.0.1", "False")


@pytest.mark.parametrize("schedule", ["@daily", "30 6 * * 1-5", "none", "*/15 * * * *"])
def test_a_schedule_is_cron_or_a_name(monkeypatch: pytest.MonkeyPatch, schedule: str) -> None:
    monkeypatch.setenv("WAYBILL_SCHEDULE", schedule)
    assert Settings().waybill_schedule == schedule


@pytest.mark.parametrize("schedule", ["daily", "6 * * *", "@reboot", "every day"])
def test_another_schedule_is_refused(monkeypatch: pytest.MonkeyPatch, schedule: str) -> None:
    monkeypatch.setenv("WAYBILL_SCHEDULE", schedule)
    with pytest.raises(ValueError, match="must be a cron expression such as 30 6"):
        Settings()
