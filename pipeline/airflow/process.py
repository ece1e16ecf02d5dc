"""Starts and stops Airflow's three processes: API server (with the pages), scheduler and DAG processor.

`airflow standalone` starts a log server that listens on every interface, and a triggerer that no task needs; so the
processes are started one by one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

import psutil

from pipeline.airflow.errors import NotStarted
from pipeline.airflow.paths import AirflowPaths, program
from waybill.background_processes import (
    LOOPBACK,
    BackgroundProcess,
    accepts_connections,
    end_with_parent,
    find_running,
    remember,
    wait_until_ready,
)
from waybill.background_processes import stop as stop_process
from waybill.cli import shown_command
from waybill.settings import PROJECT

COMPONENTS = (["api-server"], ["scheduler", "--skip-serve-logs"], ["dag-processor"])
HEALTH = "/api/v2/monitor/health"
START_SECONDS = 240
STOP_SECONDS = 9  # before what is left is killed; together less than what `down` waits


def run_components(paths: AirflowPaths, variables: dict[str, str]) -> None:
    """Bring Airflow's database up to date and run its processes until one ends; then end the others.

    The scheduler waits for the API server: a task that it starts before that server answers fails, and there may be
    tasks to start at once, such as those of a run that was interrupted.

    Raises:
        NotStarted: the database could not be made, or a process ended. The output above it has the cause.
    """
    airflow = str(program(paths))
    if subprocess.run([airflow, "db", "migrate"], env=variables, stdin=subprocess.DEVNULL, check=False).returncode:
        raise NotStarted(f"Airflow could not make its database in {paths.home}: the lines above have the cause")
    preparation, port = end_with_parent(), int(variables["AIRFLOW__API__PORT"])
    running: list[subprocess.Popen[bytes]] = []
    try:
        for component in COMPONENTS:
            running.append(
                subprocess.Popen([airflow, *component], env=variables, stdin=subprocess.DEVNULL, preexec_fn=preparation)
            )
            while _all_run(running) and not accepts_connections(port):
                time.sleep(0.5)
        while _all_run(running):
            time.sleep(0.5)
        ended = next(
            component for component, process in zip(COMPONENTS, running, strict=True) if process.poll() is not None
        )
        raise NotStarted(f"Airflow's {ended[0]} ended, so the others were stopped: the lines above have the cause")
    finally:
        _end(running)


def _all_run(processes: list[subprocess.Popen[bytes]]) -> bool:
    return all(process.poll() is None for process in processes)


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    """End the processes and all that they have started, tasks and the commands of their stages too."""
    family = [psutil.Process(process.pid) for process in running if process.poll() is None]
    for member in list(family):
        with suppress(psutil.NoSuchProcess):
            family += member.children(recursive=True)
    _, left = psutil.wait_procs(_sent(family, psutil.Process.terminate), STOP_SECONDS)
    psutil.wait_procs(_sent(left, psutil.Process.kill), STOP_SECONDS)
    for process in running:
        process.wait()


def _sent(family: list[psutil.Process], signal_of: Callable[[psutil.Process], None]) -> list[psutil.Process]:
    """Send a signal to those that are still running; return all."""
    for member in family:
        with suppress(psutil.NoSuchProcess):
            signal_of(member)
    return family


def start(paths: AirflowPaths, port: int) -> BackgroundProcess:
    """Start Airflow in the background and wait until its processes are healthy.

    Raises:
        NotInstalled, NotStarted: see `pipeline.airflow.errors`.
    """
    program(paths)
    if accepts_connections(port):
        raise NotStarted(f"port {port} of {LOOPBACK} is in use: set another one in WAYBILL_AIRFLOW_PORT")
    with paths.log.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.airflow", "up", "--foreground"],
            cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    found = remember(paths.state, process.pid, port=port)
    if wait_until_ready(process, lambda: is_healthy(port), START_SECONDS):
        return found
    stop(paths)
    raise NotStarted(
        f"Airflow did not start; its log {paths.log} has the cause; then run `{shown_command('airflow up')}` again"
    )


def find_running_airflow(paths: AirflowPaths) -> BackgroundProcess | None:
    """Return the Airflow that was started last if it is still running."""
    return find_running(paths.state)


def stop(paths: AirflowPaths) -> bool:
    """Stop Airflow, by force if it does not end by itself; return whether it was running."""
    was_running = stop_process(paths.state)
    paths.state.unlink(missing_ok=True)
    return was_running


def is_healthy(port: int) -> bool:
    """Return whether the API server answers, and reports a live scheduler and DAG processor."""
    connection = HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", HEALTH)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()
    return answer.status == 200 and all(_state(text, name) == "healthy" for name in ("scheduler", "dag_processor"))


def _state(text: str, component: str) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(text)[component]["status"])
    return "unknown"
