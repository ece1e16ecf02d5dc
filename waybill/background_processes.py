"""Processes that outlive the command that started them, on this machine's loopback: which lives, and its end."""

from __future__ import annotations

import socket

import psutil

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 20


def living(pid: int, created: float) -> psutil.Process | None:
    """Return the process of this number and birth (seconds since 1970); None when it ended, whoever has the number."""
    try:
        process = psutil.Process(pid)
        is_it = process.create_time() == created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if is_it else None


def end(process: psutil.Process) -> None:
    """End a process, by force when it does not go by itself."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def takes_connections(port: int) -> bool:
    """Whether somebody listens on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
