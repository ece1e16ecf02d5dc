"""Kills the loader, PostgreSQL or both at a random moment, runs the load again, and compares with the truth (P1, P2)."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

from loader.__main__ import loader
from tests.crash.servers import backends, kill, processes
from tests.crash.truth import Truth, write_files
from tests.support.databases import own_server, rows
from warehouse.connection import connection_parameters, forget
from warehouse.server_paths import ServerPaths
from waybill.cli import run

TARGETS = ("loader", "its backend", "postmaster", "whole server", "loader and server")
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["loader.__main__", "loader.load", "warehouse.runs", "warehouse.schema"])
CHUNK_BYTES = (50_000, 300_000, 8_388_608)
END_SECONDS = 120
TRIES = 3

LANDED = """
select raw._fingerprint::uuid, count(*)
from raw.flights as raw
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


def run_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on a server of their own; return what was done and what was found wrong."""
    found: Counter[str] = Counter(rounds=rounds)
    with own_server() as place:
        connection_parameters("owner")
        folder = Path(place.data.parents[1]) / "rounds"
        folder.mkdir()
        seconds = _seconds_of_work(place, folder)
        for number in range(rounds):
            _round(place, folder / str(number), (random.Random(f"{seed} {number}"), seconds), found)
            if number % 25 == 24:
                print(
                    f"round {number + 1} of {rounds}: lost {found['lost']}, doubled {found['doubled']}", file=sys.stderr
                )
        forget()
        connection_parameters("owner")
        found["books that do not balance"] = len(rows(UNBALANCED.format(source="flights")))
        ((found["files landed by several runs"],),) = rows(RESUMED)
    return found


def _round(place: ServerPaths, folder: Path, given: tuple[random.Random, float], found: Counter[str]) -> None:
    chance, seconds = given
    truth = write_files(folder, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        target = chance.choice(TARGETS)
        load = Load(folder, chance.choice(CHUNK_BYTES))
        _await_work(place, load)
        time.sleep(chance.uniform(0, seconds))
        found["kills"] += 1
        found["kills at work"] += load.is_at_work()
        _kill(target, place, load)
        found["tracebacks"] += "Traceback" in load.finish()
        found["loads cut short"] += load.process.exitcode != 0
    for _ in range(TRIES):
        load = Load(folder, chance.choice(CHUNK_BYTES))
        said = load.finish()
        if load.process.exitcode == 0:
            break
        print(f"round {folder.name}: the rerun says {said.strip()}", file=sys.stderr)
    found["reruns that did not complete"] += load.process.exitcode != 0
    _compare(folder, truth, found)


def _compare(folder: Path, truth: Truth, found: Counter[str]) -> None:
    forget()
    landed = Counter({UUID(fingerprint): count for fingerprint, count in rows(LANDED, f"{folder}/%")})
    rejected = Counter(rows(REJECTED, f"{folder}/%"))
    found["lost"] += (truth.good - landed).total() + len(truth.bad - set(rejected))
    found["doubled"] += (landed - truth.good).total() + (rejected - Counter(truth.bad)).total()
    found["documents sent"] += truth.good.total() + len(truth.bad)
    found["landed"] += landed.total()
    found["rejected"] += rejected.total()


class Load:
    """One `python -m loader load` in a process of its own, forked from one that has its imports done."""

    def __init__(self, folder: Path, chunk_bytes: int) -> None:
        self.log = folder.with_suffix(".log")
        variables = {**os.environ, "WAYBILL_CHUNK_BYTES": str(chunk_bytes)}
        self.process = PROCESSES.Process(target=_load, args=(folder, self.log, variables), daemon=True)
        self.process.start()

    def kill(self) -> None:
        self.process.kill()

    def is_at_work(self) -> bool:
        return self.process.is_alive()

    def finish(self) -> str:
        """Wait for its end and return what it said."""
        self.process.join(END_SECONDS)
        assert self.process.exitcode is not None, "the loader hangs"
        return self.log.read_text()


def _load(folder: Path, log: Path, variables: dict[str, str]) -> None:
    """Be the loader: run its command with these variables and leave with its exit code."""
    os.environ.update(variables)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(written, stream)  # one file offset for both: neither writes over the other
    sys.argv = ["loader", "load", "flights", str(folder)]
    run(loader, "python -m loader")


def _seconds_of_work(place: ServerPaths, folder: Path) -> float:
    """Load twice undisturbed; return for how long a load is at work on the server."""
    seconds = []
    for name in ("first", "second"):
        write_files(folder / name, random.Random(name))
        load = Load(folder / name, CHUNK_BYTES[0])
        _await_work(place, load)
        started = time.monotonic()
        load.finish()
        seconds.append(time.monotonic() - started)
    return min(seconds)  # the first makes schema and tables as well


def _await_work(place: ServerPaths, load: Load) -> None:
    """Wait until the loader has a backend on the server, or has ended."""
    while load.is_at_work() and not any(backends(place)):
        time.sleep(0.005)


def _kill(target: str, place: ServerPaths, load: Load) -> None:
    """Kill -9 what is named and still there."""
    server = processes(place)
    victims = {
        "loader": [],
        "its backend": list(backends(place)),
        "postmaster": server[:1],
        "whole server": server,
        "loader and server": server,
    }[target]
    if target.startswith("loader"):
        load.kill()
    kill(victims)
