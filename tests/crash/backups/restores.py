"""Kills restores, pg_restore or the server at random moments, restores again, and compares with the backup."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from pipeline.backups.contents import read_contents
from pipeline.backups.making.backup import back_up
from pipeline.backups.manifest import Manifest, read_manifest
from pipeline.backups.restoring.command import restore as command
from tests.crash.servers import kill, processes
from tests.support.backed_up.orders_to_back_up import build_mart, load_orders, save_model
from tests.support.databases import own_server
from tests.support.declared.orders import declare_orders
from warehouse import embedded
from warehouse.connection import connection_parameters, engine, forget
from warehouse.errors import RestoreAtWork, RestoreInterrupted, WarehouseError
from warehouse.server_paths import ServerPaths
from waybill.cli import run

WRONG = ("restores that did not complete", "differences", "tracebacks", "halves that another command accepted")
COUNTED = ("rounds", "kills", "kills during a restore", "restores begun again")
TARGETS = ("restore", "pg_restore", "postmaster", "whole server", "restore and server")
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["pipeline.backups.restoring.command", "warehouse.migrations.upgrade"])
END_SECONDS = 180
MAX_RERUNS = 3
ORDERS = 2_000


@dataclass(frozen=True)
class Prepared:
    """The server, the folder for files, the backup, and how long an undisturbed restore takes."""

    paths: ServerPaths
    folder: Path
    backup: Path
    seconds: float


class Restore:
    """One `waybill restore`, forked from a process that has imported everything already."""

    def __init__(self, backup: Path, folder: Path, database: str) -> None:
        self.log = folder / "log"
        variables = {**os.environ, "PGDATABASE": database, "WAYBILL_MODELS": str(folder / "models")}
        self.process = PROCESSES.Process(target=_restore, args=(backup, self.log, variables), daemon=True)
        self.process.start()

    def finish(self) -> str:
        """Wait until it ends and return its output."""
        self.process.join(END_SECONDS)
        assert self.process.exitcode is not None, "the restore hangs"
        return self.log.read_text() if self.log.exists() else ""


def run_restore_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own server; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    with _prepared() as prepared:
        for number in range(rounds):
            rng = random.Random(f"{seed} {number}")
            _run_round(prepared, number, rng, totals)
    return totals


@contextmanager
def _prepared() -> Iterator[Prepared]:
    with own_server() as paths, TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setenv("WAYBILL_MODELS", str(folder / "models"))
        patch.setenv("WAYBILL_RAW", str(folder / "raw"))
        patch.setenv("PGDATABASE", "backed_up")
        declare_orders(folder / "declared", patch)
        load_orders(folder, range(ORDERS))
        build_mart()
        save_model()
        backup = back_up(folder / "backups").folder
        assert backup is not None
        yield Prepared(paths, folder, backup, min(_measure(backup, folder, name) for name in ("first", "second")))


def _measure(backup: Path, folder: Path, name: str) -> float:
    """Restore without interruption; return the seconds that it takes."""
    (folder / name).mkdir()
    started = time.monotonic()
    restore = Restore(backup, folder / name, name)
    output = restore.finish()
    assert restore.process.exitcode == 0, output
    return time.monotonic() - started


def _run_round(prepared: Prepared, number: int, rng: random.Random, totals: Counter[str]) -> None:
    folder, database = prepared.folder / str(number), f"round_{number}"
    folder.mkdir()
    restore = Restore(prepared.backup, folder, database)
    time.sleep(rng.uniform(0, prepared.seconds))
    target = rng.choice(TARGETS)
    totals["kills"] += 1
    totals["kills during a restore"] += restore.process.is_alive()
    _kill(target, prepared.paths, restore)
    totals["tracebacks"] += "Traceback" in restore.finish()
    is_complete = restore.process.exitcode == 0
    for _ in range(0 if is_complete else MAX_RERUNS):
        with suppress(WarehouseError):
            embedded.start(prepared.paths)  # what was killed with the server looks empty until it is there again
        totals["halves that another command accepted"] += _is_half(prepared.backup, database)
        if is_complete := _is_whole(read_manifest(prepared.backup), database):
            break  # it was killed when all was restored
        totals["restores begun again"] += 1
        restore = Restore(prepared.backup, folder, database)
        output = restore.finish()
        if is_complete := restore.process.exitcode == 0:
            break
        print(f"round {number}, {target}: the restore failed again: {output.strip()}", file=sys.stderr)
    totals["restores that did not complete"] += not is_complete
    totals["differences"] += not _is_whole(read_manifest(prepared.backup), database)
    totals["differences"] += _files(folder / "models") != _files(prepared.backup / "models")
    shutil.rmtree(folder)


def _kill(target: str, paths: ServerPaths, restore: Restore) -> None:
    server = processes(paths)
    programs: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        programs = psutil.Process(restore.process.pid).children(recursive=True)
    if "restore" in target and target != "pg_restore":
        restore.process.kill()
    kill({"pg_restore": programs[:1], "postmaster": server[:1], "restore": []}.get(target, server))


@contextmanager
def _named(database: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDATABASE", database)
        forget()
        yield
    forget()


def _is_half(backup: Path, database: str) -> bool:
    """Return whether another command works on a database that is neither empty nor whole."""
    with _named(database):
        try:
            connection_parameters("loader")
            with engine("owner").connect() as connection:
                landed = read_contents(connection).rows.get("raw.orders", 0)
        except (RestoreInterrupted, RestoreAtWork):
            return False
    return landed > 0 and not _is_whole(read_manifest(backup), database)


def _is_whole(manifest: Manifest, database: str) -> bool:
    with _named(database):
        try:
            with engine("owner").connect() as connection:
                now = asdict(read_contents(connection))
        except RestoreInterrupted:
            return False
    then = asdict(manifest.contents)
    for rows in (now["rows"], then["rows"]):
        for name in ("ledger.runs", "ledger.backups"):  # the restore itself
            rows.pop(name, None)
    return now == then


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _restore(backup: Path, log: Path, variables: dict[str, str]) -> None:
    """Run the command in this process with these variables, and exit with its code."""
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.argv = ["restore", str(backup), "--no-erasures", "--keep-files"]
    run(command, "waybill restore")
