"""Describes the machine that a benchmark ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from warehouse.connection import open_connection


def description(parameters: dict[str, str]) -> str:
    """Return processor, cores, memory, Python, PostgreSQL and the load average before the run, in one line."""
    connection = open_connection(parameters)
    server = connection.info.server_version
    connection.close()
    memory = psutil.virtual_memory().total / 2**30
    busy = os.getloadavg()[0]
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()},"
        f" PostgreSQL {server // 10000}.{server % 10000}; load average before: {busy:.1f}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
