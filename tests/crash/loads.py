"""Runs `waybill load orders` in a process that can be killed."""

from __future__ import annotations

import os
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import loader.declarations
from loader.__main__ import loader as command
from tests.crash.servers import backends
from tests.support.declared.orders import write_declaration
from warehouse.server_paths import ServerPaths
from waybill.cli import run

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["loader.__main__", "loader.load", "warehouse.runs", "warehouse.schema"])
END_SECONDS = 120


class Load:
    """One load of a folder, forked from a process that has imported everything already."""

    def __init__(self, folder: Path, chunk_bytes: int) -> None:
        self.log = folder.with_suffix(".log")
        variables = {**os.environ, "WAYBILL_CHUNK_BYTES": str(chunk_bytes)}
        self.process = PROCESSES.Process(target=_load, args=(folder, self.log, variables), daemon=True)
        self.process.start()

    def kill(self) -> None:
        self.process.kill()

    def is_running(self) -> bool:
        return self.process.is_alive()

    def finish(self) -> str:
        """Wait until it ends and return its output."""
        self.process.join(END_SECONDS)
        assert self.process.exitcode is not None, "the loader hangs"
        return self.log.read_text()

    def wait_for_backend(self, paths: ServerPaths) -> None:
        """Wait until it has connected to the server, or has ended."""
        while self.is_running() and not any(backends(paths)):
            time.sleep(0.005)


def _load(folder: Path, log: Path, variables: dict[str, str]) -> None:
    """Run the loader's command in this process with these variables, and exit with its code."""
    os.environ.clear()  # the process that this one was forked from may have variables of an earlier test
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)  # both streams share one file offset, so neither overwrites the other
    declared = log.with_suffix(".declared")
    write_declaration(declared)
    loader.declarations.SOURCES = loader.declarations.CONTRACTS = declared
    sys.argv = ["loader", "load", "orders", str(folder)]
    run(command, "python -m loader")
