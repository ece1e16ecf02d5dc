# waybill: sample
"""Measures a command: its time, and what its processes and PostgreSQL's use of processor, memory and disk."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import click
import psutil

from pipeline.consumption.process_tree import ProcessTree
from warehouse import embedded
from warehouse.connection import cursor_of
from warehouse.server_paths import find_server_paths
from waybill.settings import get_settings

PAUSE_SECONDS = 0.1  # between two samples
MAX_ERROR = 2_000  # characters
WAL_END = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Use:
    """What a command used. Peaks are those of all its processes, of the largest one, and of PostgreSQL's together.

    Memory that processes share is counted once. `written_bytes` went to the disk, from the command and PostgreSQL.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    largest_bytes: int
    server_bytes: int
    written_bytes: int
    wal_bytes: int


class _Peaks:
    """A process tree and the most memory that it had at any sample."""

    def __init__(self, root: psutil.Process | None) -> None:
        self.tree = ProcessTree(lambda: root)
        self.together = self.largest = 0
        self.sample()

    def sample(self) -> None:
        self.tree.sample(self.tree.find())
        self.together = max(self.together, self.tree.memory_bytes)
        self.largest = max(self.largest, self.tree.largest_bytes)


def measure(*arguments: str) -> Use:
    """Run Python with these arguments, which must succeed, and return what it and the server used.

    Raises:
        ClickException: the command failed.
    """
    wal, server = _wal_end(), _Peaks(embedded.find_process(find_server_paths(get_settings())))
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        started = time.monotonic()
        process = subprocess.Popen([sys.executable, *arguments], stdout=output, stderr=subprocess.STDOUT)
        command = _watch(process, server)
        seconds = time.monotonic() - started
        if process.returncode:
            output.seek(0)
            raise click.ClickException(f"{' '.join(arguments)} failed: {output.read().strip()[-MAX_ERROR:]}")
    used = command.tree.used + server.tree.used
    return Use(
        seconds, used.cpu_seconds, command.together, command.largest, server.together, used.written_bytes,
        _wal_end() - wal,
    )  # fmt: skip


def _watch(process: subprocess.Popen[bytes], server: _Peaks) -> _Peaks:
    command = _Peaks(psutil.Process(process.pid))
    try:
        while process.poll() is None:
            command.sample()
            server.sample()
            time.sleep(PAUSE_SECONDS)
    finally:
        process.kill()  # nothing is left of it if this command is interrupted
        process.wait()
    server.sample()
    return command


def _wal_end() -> int:
    with cursor_of("owner") as cursor:
        cursor.execute(WAL_END)
        return int(cursor.fetchone()[0])  # type: ignore[index]
