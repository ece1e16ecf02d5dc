"""A Dask scheduler and two workers on this machine, started as the docs say, and a fit that they can do."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from ml.learning.candidates import make_pipeline
from ml.task import Task
from waybill.settings import PROJECT

LOCAL = ["--host", "127.0.0.1", "--no-dashboard"]


class Cluster:
    """The processes of a scheduler and of the parent of its workers."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._log = (folder / "dask.log").open("w")
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(self._file))
        self._workers: list[subprocess.Popen[bytes]] = []

    @cached_property
    def address(self) -> str:
        """Where the scheduler answers."""
        wait_until(self._file.exists)
        return str(json.loads(self._file.read_text())["address"])

    def start_workers(self, number: int = 2, *, folder: Path = PROJECT) -> None:
        """Start workers of one thread each, whose folder is the project or another one."""
        options = ["--nworkers", str(number), "--nthreads", "1"]
        self._workers.append(self._start("worker", self.address, *options, folder=folder))

    def kill_worker(self) -> None:
        """Kill one worker with signal 9, as soon as it works."""
        workers = [one for one in psutil.Process(self._workers[0].pid).children() if "spawn_main" in str(one.cmdline())]
        busy = max(workers, key=lambda one: sum(one.cpu_times()[:2]))
        busy.kill()

    def stop(self) -> None:
        """End all processes. A parent of workers that is starting one again may take no notice of the signal."""
        started = [*self._workers, self.scheduler]
        family = [one for process in started for one in psutil.Process(process.pid).children(recursive=True)]
        for process in started:
            process.terminate()
        psutil.wait_procs([psutil.Process(process.pid) for process in started if process.poll() is None], timeout=10)
        for one in [*family, *started]:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                one.kill()
        for process in started:
            process.wait(30)
        self._log.close()

    def _start(self, *words: str, folder: Path = PROJECT) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, *LOCAL]
        return subprocess.Popen(command, cwd=folder, stdout=self._log, stderr=subprocess.STDOUT)


@contextmanager
def local_cluster(folder: Path) -> Iterator[Cluster]:
    """Give a scheduler, still without workers, during the block; fail at once if Dask is not installed."""
    if find_spec("distributed") is None:
        pytest.fail("Dask is not installed: run `make dask`")
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        cluster.stop()


def wait_until(is_so: Any) -> None:
    """Wait up to a minute."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, "nothing happened within a minute"
        time.sleep(0.05)


def fit_candidate(task: Task, rows: Any, labels: Any, name: str, started: str | None = None) -> Any:
    """Return a fitted candidate; create the file `started` first."""
    if started:
        Path(started).touch()
    return make_pipeline(name, task).fit(rows[task.features], labels)
