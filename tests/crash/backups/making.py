"""Kills backups, pg_dump or the server at random moments of the work, backs up again, and looks at all that is in the folder."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import PARTIAL, find_backups
from pipeline.backups.verifying import verify_backup
from tests.crash.backups.forked import ORDERS, TARGETS, Forked, orders_warehouse
from tests.crash.servers import start_again
from tests.support.backed_up.orders_to_back_up import beside_the_log
from tests.support.databases import rows
from warehouse.connection import forget
from warehouse.server_paths import ServerPaths

WRONG = ("backups that did not complete", "broken ones taken for backups", "older backups lost", "tracebacks",
         "leftovers", "differences to the ledger", "backups of other rows")  # fmt: skip
COUNTED = ("rounds", "kills during a backup", "backups begun again")
MAX_RERUNS, KEPT = 3, 2


@dataclass(frozen=True)
class Prepared:
    """The server, the folder for files, and how long an undisturbed backup takes."""

    paths: ServerPaths
    folder: Path
    seconds: float

    @property
    def backups(self) -> Path:
        return self.folder / "backups"


def run_backup_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own server; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    with orders_warehouse() as (paths, folder):
        prepared = Prepared(paths, folder, min(_back_up(folder).measure() for _ in range(2)))
        for number in range(rounds):
            _run_round(prepared, random.Random(f"{seed} {number}"), totals)
    return totals


def _back_up(folder: Path) -> Forked:
    return Forked("backup", str(folder / "backups"), "--keep", str(KEPT), folder=folder)


def _run_round(prepared: Prepared, rng: random.Random, totals: Counter[str]) -> None:
    """Kill a backup, look at what is taken for one, then back up until it succeeds, and look at everything."""
    seconds, target = rng.uniform(0, prepared.seconds), rng.choice(TARGETS)
    while True:
        before = find_backups(prepared.backups)
        backup = _back_up(prepared.folder)
        if backup.suspend_at_work(lambda: any(prepared.backups.glob(f".*{PARTIAL}")), seconds):
            break
        output = backup.finish()
        assert backup.succeeded, output
        seconds /= 2
    totals["kills during a backup"] += 1
    backup.kill(target, prepared.paths)
    totals["tracebacks"] += "Traceback" in backup.finish()
    found = find_backups(prepared.backups)
    totals["broken ones taken for backups"] += sum(map(_is_broken, found))
    totals["older backups lost"] += len(found) < KEPT or before[-1] not in found
    for _ in range(MAX_RERUNS):
        start_again(prepared.paths)
        totals["backups begun again"] += 1
        backup = _back_up(prepared.folder)
        output = backup.finish()
        if backup.succeeded:
            break
        print(f"{target}: the backup failed again: {output.strip()}", file=sys.stderr)
    totals["backups that did not complete"] += not backup.succeeded
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


def _is_broken(backup: Path) -> bool:
    try:
        verify_backup(backup)
    except BackupBroken:
        return True
    return False
