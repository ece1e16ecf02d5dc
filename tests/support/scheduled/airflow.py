"""Airflow for tests: its own home, with the project's DAG in it; `airflow dags test` runs the DAG's tasks for real."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from pipeline.airflow.configuration import airflow_variables
from pipeline.airflow.paths import AirflowPaths, find_airflow
from pipeline.airflow.process import START_SECONDS, is_healthy
from waybill.settings import PROJECT, get_settings

# Airflow runs this for each task: retries follow at once, so that a test does not wait.
AT_ONCE = """
from datetime import timedelta

def task_policy(task):
    task.retry_delay, task.retry_exponential_backoff = timedelta(seconds=0), 0
"""
END_SECONDS = 400
COMPONENTS = """
import os
from pathlib import Path
from pipeline.airflow.paths import AirflowPaths
from pipeline.airflow.process import run_components
run_components(AirflowPaths(Path(os.environ["AIRFLOW_HOME"])), dict(os.environ))
"""
STATES = """
select task_id, task_instance.state, try_number
from task_instance
join dag_run using (dag_id, run_id)
where dag_id = 'waybill' and logical_date like ?
"""


@dataclass(frozen=True)
class TestedAirflow:
    """One Airflow: `folder` is its home, `variables` are those of its processes."""

    __test__ = False
    folder: Path
    variables: dict[str, str]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of Airflow's own commands."""
        return subprocess.run(
            [airflow_program(), *arguments], env=self.variables, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=END_SECONDS,
        )  # fmt: skip

    def start_run(self, day: str, *, only: str = "", **parameters: str) -> subprocess.Popen[str]:
        """Start a run of the DAG in a process; `only` names stages with `|` between, the others are taken as done."""
        command = [airflow_program(), "dags", "test", "waybill", day, "--conf", json.dumps(parameters)]
        if only:
            command += ["--mark-success-pattern", rf"(?!({only})$).*"]
        return subprocess.Popen(
            command, env=self.variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, day: str, *, only: str = "", **parameters: str) -> str:
        """Run the DAG and return the output, with the logs of its tasks."""
        process = self.start_run(day, only=only, **parameters)
        return process.communicate(timeout=END_SECONDS)[0]

    def states(self, day: str) -> dict[str, tuple[str, int]]:
        """Return task → its state and the number of tries."""
        return {task: (state, tries) for task, state, tries in self.select(STATES, f"{day}%")}

    def wait_for(self, query: str, *values: str, seconds: float = 120) -> list[tuple[str, ...]]:
        """Return the rows of a query of Airflow's database as soon as there are any; none after these seconds."""
        deadline = time.monotonic() + seconds
        while not (found := self.select(query, *values)) and time.monotonic() < deadline:
            time.sleep(0.5)
        return found

    def select(self, query: str, *values: str) -> list[tuple[str, ...]]:
        """Return the rows of a query of Airflow's database."""
        connection = sqlite3.connect(self.folder / "airflow.db", timeout=60)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


@contextmanager
def running(airflow: TestedAirflow) -> Iterator[None]:
    """Run Airflow's processes on a free port during the block: the scheduler then starts runs and tasks by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    address = f"http://127.0.0.1:{port}/execution/"
    own = {"AIRFLOW__API__PORT": str(port), "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": address}
    with (airflow.folder / "processes.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", COMPONENTS], env={**airflow.variables, **own}, cwd=PROJECT, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    family = [psutil.Process(process.pid)]
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_healthy(port):
            assert process.poll() is None and time.monotonic() < deadline, (
                airflow.folder / "processes.log"
            ).read_text()
            time.sleep(0.5)
        yield
    finally:
        family += family[0].children(recursive=True) if process.poll() is None else []
        for member in reversed(family):
            with suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def airflow_program() -> str:
    """Return Airflow's program; skip the test, or fail it in continuous integration, if Airflow is not installed."""
    found = AirflowPaths(Path()).environment / "bin" / "airflow"
    if not found.exists():
        reason = "Airflow is not installed: run `make airflow`"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return str(found)


def python_of_airflow(code: str, folder: Path, **variables: str) -> str:
    """Run code in Airflow's Python, with its home in this folder; return what it prints."""
    python = str(Path(airflow_program()).with_name("python"))
    environment = {**airflow_variables(AirflowPaths(folder), get_settings()), **variables}
    ran = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def make_airflow(folder: Path, variables: dict[str, str]) -> TestedAirflow:
    """Make an Airflow whose tasks get these variables, with the project's DAG in its folder."""
    airflow_program()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_STATE", str(folder))
        paths = find_airflow(get_settings())
        configuration = airflow_variables(paths, get_settings())
    own = {name: value for name, value in configuration.items() if name.startswith(("AIRFLOW", "PATH"))}
    (paths.home / "config").mkdir(exist_ok=True)
    (paths.home / "config" / "airflow_local_settings.py").write_text(AT_ONCE)
    dags = paths.home / "dags"
    dags.mkdir()
    (dags / "waybill.py").symlink_to(PROJECT / "dags" / "waybill.py")
    made = TestedAirflow(paths.home, {**variables, **own, "AIRFLOW__CORE__DAGS_FOLDER": str(dags)})
    migrated = made.command("db", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    return made


def running_command(process: subprocess.Popen[str], stage: str) -> psutil.Process | None:
    """Return the project's command that works on a stage for a run of the DAG, None while there is none."""
    try:
        for child in psutil.Process(process.pid).children(recursive=True):
            if ["run", stage, "--wait"] == [word for word in child.cmdline() if word in ("run", stage, "--wait")]:
                return child
    except psutil.NoSuchProcess:
        pass
    return None


def kill_run(process: subprocess.Popen[str]) -> None:
    """Kill the process that runs the DAG with signal 9, as the kernel does when memory runs out."""
    os.kill(process.pid, signal.SIGKILL)
