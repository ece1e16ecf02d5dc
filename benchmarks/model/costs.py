# waybill: sample
"""Measures how long a command takes and how much memory it needs with all processes that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass

import click
import psutil

from pipeline.consumption.process_tree import ProcessTree

PAUSE_SECONDS = 0.05  # between two samples of the memory


@dataclass(frozen=True)
class Cost:
    """Seconds from start to end of a command, and the most memory that its processes had together at any sample."""

    seconds: float
    peak_bytes: int


def measure(*module: str, variables: Mapping[str, str]) -> Cost:
    """Run a Python module that must succeed, and return its cost. Memory that processes share is counted once."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        started = time.monotonic()
        environment = {**os.environ, **variables}
        process = subprocess.Popen(
            [sys.executable, "-m", *module], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        peak = _watch(process)
        seconds = time.monotonic() - started
        if process.returncode != 0:
            output.seek(0)
            raise click.ClickException(f"{' '.join(module)} failed: {output.read().strip() or process.returncode}")
    return Cost(seconds, peak)


def _watch(process: subprocess.Popen[bytes]) -> int:
    root = psutil.Process(process.pid)
    tree = ProcessTree(lambda: root)
    peak = 0
    try:
        while process.poll() is None:
            tree.sample(root)
            peak = max(peak, tree.memory_bytes)
            time.sleep(PAUSE_SECONDS)
    finally:
        process.kill()  # nothing is left of it if this command is interrupted
        process.wait()
    return peak
