"""Processes that outlive the command that started them, such as the local broker and pgAdmin.

A state file keeps the process's number, when it was created and what else its next command needs (ports, a key). A
number alone is not enough: after a restart of the machine it may belong to another process.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from waybill.atomic_files import write_private

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 20
PAUSE_SECONDS = 0.3  # between two looks at whether a process is ready


@dataclass(frozen=True)
class BackgroundProcess:
    """A process as its state file describes it; `created` is in seconds since 1970, as the system reports it."""

    pid: int
    created: float
    details: dict[str, Any]

    def find(self) -> psutil.Process | None:
        """Return the process if it is still running; None if it ended, even if its number is in use again."""
        try:
            process = psutil.Process(self.pid)
            is_same = process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if is_same else None


def remember(state: Path, pid: int, **details: Any) -> BackgroundProcess:
    """Write a started process to its state file, which only its owner can read; return it."""
    started = BackgroundProcess(pid, psutil.Process(pid).create_time(), details)
    write_private(state, json.dumps({"pid": pid, "created": started.created, **details}))
    return started


def wait_until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], seconds: float) -> bool:
    """Return True once a process is ready, which may then outlive this one; False if it ends, or takes longer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            process.returncode = 0  # keeps Popen from warning that the process is still running
            return True
        time.sleep(PAUSE_SECONDS)
    return False


def last_started(state: Path) -> BackgroundProcess | None:
    """Return the process that was started last, whether or not it is still running; None if there was none."""
    try:
        content = json.loads(state.read_text(encoding="utf-8"))
        return BackgroundProcess(content.pop("pid"), content.pop("created"), content)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def find_running(state: Path) -> BackgroundProcess | None:
    """Return the process that was started last if it is still running, else None."""
    found = last_started(state)
    return found if found and found.find() else None


def stop(state: Path) -> bool:
    """End the process that was started last, by force if it does not end by itself; return whether it was running."""
    found = last_started(state)
    process = found.find() if found else None
    if process is None:
        return False
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
    return True


def accepts_connections(port: int) -> bool:
    """Return whether a process listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def end_with_parent() -> Callable[[], object] | None:
    """Return what makes the kernel end a child process when this process is killed; None where it cannot.

    It is for Popen's `preexec_fn`. The library is loaded here: between fork and exec, an import could wait for a lock
    that no thread gives back.
    """
    if sys.platform != "linux":
        return None
    import ctypes

    library = ctypes.CDLL(None)
    return lambda: library.prctl(1, signal.SIGTERM)
