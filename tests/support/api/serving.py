"""Runs `waybill serve` as a process on a free port, and talks to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

import ml.task
from waybill.settings import PROJECT

START_SECONDS = 60


@dataclass
class Served:
    """A server that answers: its process, address, a client, and what it printed at its start."""

    process: subprocess.Popen[str]
    address: str
    client: httpx.Client
    first_line: str

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """End it with a signal; return its exit code, and the rest of what it printed."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def start(*options: str, tasks: Path | None = None, **variables: str) -> subprocess.Popen[str]:
    """Start the process on the tasks of a folder, by default those that the test has declared."""
    command = [sys.executable, "-m", "tests.support.api.process", str(tasks or ml.task.TASKS), *options]
    return subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **variables}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@contextmanager
def served(*options: str, tasks: Path | None = None, **variables: str) -> Iterator[Served]:
    """Give a server on a free port; it must end without an error."""
    process = start("--port", "0", *options, tasks=tasks, **variables)
    assert process.stdout is not None
    line = process.stdout.readline()
    if " at http://" not in line:
        process.kill()
        raise AssertionError(f"{line}{process.communicate()}")
    address = line.partition(" at ")[2].partition(";")[0]
    try:
        with httpx.Client(base_url=address, timeout=30) as client:
            yield Served(process, address, client, line)
    finally:
        if process.poll() is None:
            process.terminate()
            out, err = process.communicate(timeout=30)
            assert (process.returncode, err) == (0, ""), f"{out}{err}"
