"""Kills the loader, PostgreSQL or both at a random moment, loads again, and compares with what was sent (P1, P2)."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.crash.expected_files import Expected, write_files
from tests.crash.loads import Load
from tests.crash.servers import backends, kill, processes
from tests.support.databases import own_server, rows
from warehouse.connection import connection_parameters, forget
from warehouse.server_paths import ServerPaths

TARGETS = ("loader", "its backend", "postmaster", "whole server", "loader and server")
CHUNK_BYTES = (50_000, 300_000, 8_388_608)
MAX_RERUNS = 3
REPORT_ROUNDS = 25

LANDED = """
select raw._fingerprint::uuid, count(*)
from raw.orders as raw
join ledger.batches on raw._batch_id = batches.batch_id
join ledger.inputs on batches.input_id = inputs.input_id
where inputs.name like %s
group by raw._fingerprint
"""
REJECTED = """
select inputs.name, rejects.position, rejects.reason
from ledger.rejects
join ledger.batches using (batch_id)
join ledger.inputs using (input_id)
where inputs.name like %s
"""
RESUMED = """
select count(*)
from (select input_id from ledger.batches group by input_id having count(distinct run_id) > 1) as resumed
"""
UNBALANCED = """
select batches.batch_id
from ledger.batches
left join (select _batch_id, count(*) as rows from raw.{source} group by _batch_id) as raw
    on batches.batch_id = raw._batch_id
left join (select batch_id, count(*) as rows from ledger.rejects group by batch_id) as rejects
    on batches.batch_id = rejects.batch_id
where batches.read <> batches.landed + batches.rejected + batches.skipped
    or batches.landed <> coalesce(raw.rows, 0)
    or batches.rejected <> coalesce(rejects.rows, 0)
union all
select distinct _batch_id from raw.{source} where _batch_id not in (select batch_id from ledger.batches)
"""


@dataclass(frozen=True)
class Round:
    """One round: the server, the folder of its files, its random numbers, and how long an undisturbed load works."""

    paths: ServerPaths
    folder: Path
    rng: random.Random
    load_seconds: float


def run_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own server; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    with own_server() as paths:
        connection_parameters("owner")
        folder = Path(paths.data.parents[1]) / "rounds"
        folder.mkdir()
        load_seconds = _measure_load(paths, folder)
        for number in range(rounds):
            rng = random.Random(f"{seed} {number}")
            _run_round(Round(paths, folder / str(number), rng, load_seconds), totals)
            if (number + 1) % REPORT_ROUNDS == 0:
                print(
                    f"round {number + 1} of {rounds}: lost {totals['lost']}, doubled {totals['doubled']}",
                    file=sys.stderr,
                )
        forget()
        connection_parameters("owner")
        totals["batches that do not balance"] = len(rows(UNBALANCED.format(source="orders")))
        ((totals["files landed by several runs"],),) = rows(RESUMED)
    return totals


def _run_round(this: Round, totals: Counter[str]) -> None:
    """Interrupt one or more loads of the same files, then load until it succeeds, and compare."""
    rng = this.rng
    expected = write_files(this.folder, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        target = rng.choice(TARGETS)
        load = Load(this.folder, rng.choice(CHUNK_BYTES))
        load.wait_for_backend(this.paths)
        time.sleep(rng.uniform(0, this.load_seconds))
        totals["kills"] += 1
        totals["kills during a load"] += load.is_running()
        _kill(target, this.paths, load)
        totals["tracebacks"] += "Traceback" in load.finish()
        totals["loads interrupted"] += load.process.exitcode != 0
    for _ in range(MAX_RERUNS):
        load = Load(this.folder, rng.choice(CHUNK_BYTES))
        output = load.finish()
        if load.process.exitcode == 0:
            break
        print(f"round {this.folder.name}: the rerun failed: {output.strip()}", file=sys.stderr)
    totals["reruns that did not complete"] += load.process.exitcode != 0
    _compare(this.folder, expected, totals)


def _compare(folder: Path, expected: Expected, totals: Counter[str]) -> None:
    forget()
    landed = Counter({UUID(fingerprint): count for fingerprint, count in rows(LANDED, f"{folder}/%")})
    rejected = Counter(rows(REJECTED, f"{folder}/%"))
    totals["lost"] += (expected.landed - landed).total() + len(expected.rejects - set(rejected))
    totals["doubled"] += (landed - expected.landed).total() + (rejected - Counter(expected.rejects)).total()
    totals["documents sent"] += expected.landed.total() + len(expected.rejects)
    totals["landed"] += landed.total()
    totals["rejected"] += rejected.total()


def _measure_load(paths: ServerPaths, folder: Path) -> float:
    """Load twice without interruption; return the seconds that a load works on the server."""
    seconds = []
    for name in ("first", "second"):
        write_files(folder / name, random.Random(name))
        load = Load(folder / name, CHUNK_BYTES[0])
        load.wait_for_backend(paths)
        started = time.monotonic()
        load.finish()
        seconds.append(time.monotonic() - started)
    return min(seconds)  # the first load creates the tables as well


def _kill(target: str, paths: ServerPaths, load: Load) -> None:
    """Kill the processes of the target that are still running."""
    server = processes(paths)
    victims = {
        "loader": [],
        "its backend": list(backends(paths)),
        "postmaster": server[:1],
        "whole server": server,
        "loader and server": server,
    }[target]
    if target.startswith("loader"):
        load.kill()
    kill(victims)
