"""A backup or a restore in its own process, which can be killed, and the warehouse that it works on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from pipeline.backups.command import backup
from pipeline.backups.restoring.command import restore
from tests.crash.backups.erased_again import know_orders
from tests.crash.servers import kill, processes, resume, suspend_at_work
from tests.support.backed_up.orders_to_back_up import build_mart, load_orders, save_model
from tests.support.databases import own_server
from tests.support.declared.orders import declare_orders
from warehouse.server_paths import ServerPaths
from waybill.cli import run

COMMANDS = {"backup": backup, "restore": restore}
TARGETS = ("command", "program", "postmaster", "whole server", "command and server")
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__, "warehouse.migrations.upgrade"])
END_SECONDS = 180
ORDERS = 2_000


class Forked:
    """One `waybill backup` or `waybill restore`, forked from a process that has imported everything already."""

    def __init__(self, command: str, *arguments: str, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self.log = folder / "log"
        given = (command, arguments, self.log, {**os.environ, **(variables or {})})
        self.process = PROCESSES.Process(target=_run, args=given, daemon=True)
        self.started = time.monotonic()
        self.process.start()

    def finish(self) -> str:
        """Wait until it ends and return its output."""
        self.process.join(END_SECONDS)
        assert self.process.exitcode is not None, "the command hangs"
        return self.log.read_text() if self.log.exists() else ""

    def suspend_at_work(self, has_begun: Callable[[], bool], seconds: float) -> bool:
        """Suspend it some seconds after it has begun its work; return False if it had ended by then."""
        assert self.process.pid is not None
        return suspend_at_work(self.process.pid, has_begun, seconds)

    def kill(self, target: str, paths: ServerPaths) -> None:
        """Kill one of `TARGETS` with signal 9, and let a suspended command continue.

        The program is the pg_dump or pg_restore that the command has started; without one, the command is killed.
        """
        assert self.process.pid is not None
        server = processes(paths)
        programs: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            programs = psutil.Process(self.process.pid).children(recursive=True)
        if target.startswith("command") or (target == "program" and not programs):
            self.process.kill()
        kill({"program": programs[:1], "postmaster": server[:1], "command": []}.get(target, server))
        resume(self.process.pid)

    def measure(self) -> float:
        """Wait until it has succeeded, undisturbed, and return the seconds that it took."""
        output = self.finish()
        assert self.succeeded, output
        return time.monotonic() - self.started

    @property
    def succeeded(self) -> bool:
        return self.process.exitcode == 0


@contextmanager
def orders_warehouse() -> Iterator[tuple[ServerPaths, Path]]:
    """Start a server with orders, a mart and a model; yield its paths and the folder for files."""
    with own_server() as paths, TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        for output in ("MODELS", "RAW", "REPORTS", "PROCESSED"):
            patch.setenv(f"WAYBILL_{output}", str(folder / output.lower()))
        patch.setenv("DBT_TARGET_PATH", str(folder / "dbt"))
        patch.setenv("DBT_LOG_PATH", str(folder / "dbt-logs"))
        patch.setenv("PGDATABASE", "backed_up")
        declare_orders(folder / "declared", patch)
        load_orders(folder, range(ORDERS))
        build_mart()
        save_model()
        yield paths, folder


def _run(command: str, arguments: tuple[str, ...], log: Path, variables: dict[str, str]) -> None:
    """Run the command in this process with these variables, and exit with its code."""
    os.environ.clear()  # the process that this one was forked from may have variables of an earlier test
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.argv = [command, *arguments]
    if command == "restore":
        know_orders(Path(variables["WAYBILL_RAW"]).with_name("declared"))
    run(COMMANDS[command], f"waybill {command}")
