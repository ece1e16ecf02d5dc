# waybill: sample
"""The stream's processes: producers, consumers and refreshes of the marts, each with its own log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StreamBroken
from waybill.settings import get_settings, relative_name

STOP_SECONDS = 40

Running = dict[Path, "subprocess.Popen[bytes]"]


@contextmanager
def processes(commands: Mapping[str, list[str]]) -> Iterator[Running]:
    """Run `python -m …` for each name in parallel; yield log → process, and end all processes afterwards."""
    running: Running = {}
    try:
        for name, arguments in commands.items():
            running.update(start(name, arguments))
        yield running
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def start(name: str, arguments: list[str]) -> Running:
    """Start one process that writes its output to a log in the state folder."""
    folder = get_settings().state_folder / "stream"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    return {log: process}


def have_succeeded(running: Running) -> bool:
    """Return whether all processes have ended with success.

    Raises:
        StreamBroken: a process failed.
    """
    for log, process in running.items():
        if process.poll():
            raise StreamBroken(f"{log.stem} failed: {_last_line(log)}")
    return all(process.poll() == 0 for process in running.values())


def check_running(running: Running) -> None:
    """Return if all processes are still running.

    Raises:
        StreamBroken: a process has ended.
    """
    for log, process in running.items():
        if process.poll() is not None:
            raise StreamBroken(f"{log.stem} stopped: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"it wrote nothing to {relative_name(log)}"
