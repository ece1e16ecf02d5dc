"""Kills restores, pg_restore or the server at random moments of the work, restores again, and compares with an undisturbed one.

An order was erased after the backup: each restore erases it again, and changes the models as such an erasure does.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.backups.contents import read_contents
from pipeline.backups.making.backup import back_up
from tests.crash.backups.erased_again import erase_after_backup
from tests.crash.backups.forked import TARGETS, Forked, orders_warehouse
from tests.crash.servers import start_again
from tests.support.databases import drop_database, rows
from warehouse.connection import connection_parameters, engine, forget
from warehouse.errors import RestoreAtWork, RestoreInterrupted
from warehouse.server_paths import ServerPaths

WRONG = ("restores that did not complete", "differences", "tracebacks", "halves that another command accepted")
COUNTED = ("rounds", "kills during a restore", "restores begun again")
EXISTS = "select exists (select from pg_database where datname = %s)"
MAX_RERUNS = 3


@dataclass(frozen=True)
class Prepared:
    """The server, the folder for files, the backup, what undisturbed restores make of it, and how long they take."""

    paths: ServerPaths
    folder: Path
    backup: Path
    whole: dict[str, Any]
    models: dict[str, bytes]
    seconds: float


def run_restore_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own server; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    with orders_warehouse() as (paths, folder):
        backup = back_up(folder / "backups").folder
        assert backup is not None
        erase_after_backup()
        seconds = min(_measure(backup, folder, name) for name in ("first", "second"))
        with _named("second"):
            whole = _contents()
        prepared = Prepared(paths, folder, backup, whole, _files(folder / "second" / "models"), seconds)
        assert prepared.models != _files(backup / "models")
        for number in range(rounds):
            rng = random.Random(f"{seed} {number}")
            _run_round(prepared, number, rng, totals)
    return totals


def _restore(backup: Path, folder: Path, database: str) -> Forked:
    variables = {"PGDATABASE": database, "WAYBILL_MODELS": str(folder / "models")}
    return Forked("restore", str(backup), "--keep-files", folder=folder, variables=variables)


def _measure(backup: Path, folder: Path, name: str) -> float:
    (folder / name).mkdir()
    return _restore(backup, folder / name, name).measure()


def _run_round(prepared: Prepared, number: int, rng: random.Random, totals: Counter[str]) -> None:
    folder, database = prepared.folder / str(number), f"round_{number}"
    seconds, target = rng.uniform(0, prepared.seconds), rng.choice(TARGETS)
    while True:
        folder.mkdir()
        restore = _restore(prepared.backup, folder, database)
        if restore.suspend_at_work(lambda: rows(EXISTS, database) == [(True,)], seconds):
            break
        output = restore.finish()
        assert restore.succeeded, output
        drop_database(database)
        shutil.rmtree(folder)
        seconds /= 2
    totals["kills during a restore"] += 1
    restore.kill(target, prepared.paths)
    totals["tracebacks"] += "Traceback" in restore.finish()
    is_complete = restore.succeeded
    for _ in range(0 if is_complete else MAX_RERUNS):
        start_again(prepared.paths)  # what was killed with the server looks empty until it is there again
        totals["halves that another command accepted"] += _is_half(prepared.whole, database)
        if is_complete := _is_whole(prepared.whole, database):
            break  # it was killed when all was restored
        totals["restores begun again"] += 1
        restore = _restore(prepared.backup, folder, database)
        output = restore.finish()
        if is_complete := restore.succeeded:
            break
        print(f"round {number}, {target}: the restore failed again: {output.strip()}", file=sys.stderr)
    totals["restores that did not complete"] += not is_complete
    totals["differences"] += not _is_whole(prepared.whole, database)
    totals["differences"] += _files(folder / "models") != prepared.models
    shutil.rmtree(folder)


@contextmanager
def _named(database: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDATABASE", database)
        forget()
        yield
    forget()


def _is_half(whole: dict[str, Any], database: str) -> bool:
    """Return whether another command works on a database that is neither empty nor whole."""
    with _named(database):
        try:
            connection_parameters("loader")
            with engine("owner").connect() as connection:
                landed = read_contents(connection).rows.get("raw.orders", 0)
        except (RestoreInterrupted, RestoreAtWork):
            return False
    return landed > 0 and not _is_whole(whole, database)


def _is_whole(whole: dict[str, Any], database: str) -> bool:
    with _named(database):
        try:
            return _contents() == whole
        except RestoreInterrupted:
            return False


def _contents() -> dict[str, Any]:
    with engine("owner").connect() as connection:
        return asdict(read_contents(connection))


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
