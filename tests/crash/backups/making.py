"""Kills backups, pg_dump or the server at random moments, backs up again, and looks at all that is in the folder."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from pipeline.backups.command import backup as command
from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import find_backups
from pipeline.backups.verifying import verify_backup
from tests.crash.servers import kill, processes
from tests.support.backed_up.orders_to_back_up import beside_the_log, build_mart, load_orders, save_model
from tests.support.databases import own_server, rows
from tests.support.declared.orders import declare_orders
from warehouse import embedded
from warehouse.connection import forget
from warehouse.errors import WarehouseError
from warehouse.server_paths import ServerPaths
from waybill.cli import run

WRONG = ("backups that did not complete", "broken ones taken for backups", "older backups lost", "tracebacks",
         "leftovers", "differences to the ledger", "backups of other rows")  # fmt: skip
COUNTED = ("rounds", "kills", "kills during a backup", "backups begun again")
TARGETS = ("backup", "pg_dump", "postmaster", "whole server", "backup and server")
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["pipeline.backups.command"])
END_SECONDS, MAX_RERUNS = 180, 3
ORDERS, KEPT = 2_000, 2


@dataclass(frozen=True)
class Prepared:
    """The server, the folder for files, and how long an undisturbed backup takes."""

    paths: ServerPaths
    folder: Path
    seconds: float

    @property
    def backups(self) -> Path:
        return self.folder / "backups"


class Backup:
    """One `waybill backup --keep 2`, forked from a process that has imported everything already."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.process = PROCESSES.Process(
            target=_back_up, args=(folder / "backups", self.log, dict(os.environ)), daemon=True
        )
        self.process.start()

    def finish(self) -> str:
        """Wait until it ends and return its output."""
        self.process.join(END_SECONDS)
        assert self.process.exitcode is not None, "the backup hangs"
        return self.log.read_text() if self.log.exists() else ""


def run_backup_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own server; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    with _prepared() as prepared:
        for number in range(rounds):
            _run_round(prepared, random.Random(f"{seed} {number}"), totals)
    return totals


@contextmanager
def _prepared() -> Iterator[Prepared]:
    with own_server() as paths, TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setenv("WAYBILL_MODELS", str(folder / "models"))
        patch.setenv("PGDATABASE", "backed_up")
        declare_orders(folder / "declared", patch)
        load_orders(folder, range(ORDERS))
        build_mart()
        save_model()
        yield Prepared(paths, folder, min(_measure(folder) for _ in range(2)))


def _measure(folder: Path) -> float:
    started = time.monotonic()
    backup = Backup(folder)
    output = backup.finish()
    assert backup.process.exitcode == 0, output
    return time.monotonic() - started


def _run_round(prepared: Prepared, rng: random.Random, totals: Counter[str]) -> None:
    """Kill a backup, look at what is taken for one, then back up until it succeeds, and look at everything."""
    before = find_backups(prepared.backups)
    backup = Backup(prepared.folder)
    time.sleep(rng.uniform(0, prepared.seconds))
    target = rng.choice(TARGETS)
    totals["kills"] += 1
    totals["kills during a backup"] += backup.process.is_alive()
    _kill(target, prepared.paths, backup)
    totals["tracebacks"] += "Traceback" in backup.finish()
    found = find_backups(prepared.backups)
    totals["broken ones taken for backups"] += sum(map(_is_broken, found))
    totals["older backups lost"] += len(found) < KEPT or before[-1] not in found
    for _ in range(MAX_RERUNS):
        with suppress(WarehouseError):
            embedded.start(prepared.paths)
        totals["backups begun again"] += 1
        backup = Backup(prepared.folder)
        output = backup.finish()
        if backup.process.exitcode == 0:
            break
        print(f"{target}: the backup failed again: {output.strip()}", file=sys.stderr)
    totals["backups that did not complete"] += backup.process.exitcode != 0
    _compare(prepared, totals)


def _compare(prepared: Prepared, totals: Counter[str]) -> None:
    found = find_backups(prepared.backups)
    totals["leftovers"] += beside_the_log(prepared.backups) != found or len(found) != KEPT
    totals["broken ones taken for backups"] += sum(map(_is_broken, found))
    landed = verify_backup(found[-1]).contents.rows["raw.orders"]
    totals["backups of other rows"] += landed != ORDERS
    forget()
    known = [Path(folder) for (folder,) in rows("select folder from ledger.backups order by folder")]
    totals["differences to the ledger"] += known != found


def _kill(target: str, paths: ServerPaths, backup: Backup) -> None:
    server = processes(paths)
    programs: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        programs = psutil.Process(backup.process.pid).children(recursive=True)
    if target.startswith("backup"):
        backup.process.kill()
    kill({"pg_dump": programs[:1], "postmaster": server[:1], "backup": []}.get(target, server))


def _is_broken(backup: Path) -> bool:
    try:
        verify_backup(backup)
    except BackupBroken:
        return True
    return False


def _back_up(folder: Path, log: Path, variables: dict[str, str]) -> None:
    """Run the command in this process with these variables, and exit with its code."""
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.argv = ["backup", str(folder), "--keep", str(KEPT)]
    run(command, "waybill backup")
