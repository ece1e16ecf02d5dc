# waybill: sample
"""Kills `waybill erase`, its server or both in a random step, runs the same command again, and looks at every byte."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from psycopg2 import sql

from pipeline.mart_hashes import MartHash, mart_hashes
from tests.crash.servers import kill, processes, resume, suspend_at_work
from tests.support.databases import drop_database, execute_on_server, own_server, rows
from tests.support.erasing.canaries import KEY, compress_no_pages, files_with_canaries, plant
from tests.support.small.pipeline import SmallPipeline, small_pipeline, small_sample
from warehouse.connection import connection_parameters, engine, forget
from warehouse.server_paths import ServerPaths

TARGETS = ("command", "command", "server", "command and server")
MAX_RERUNS = 3
END_SECONDS = 600
STEP = re.compile(r"^\w+ +([0-9.]+) s ", re.MULTILINE)  # the line of a step that is done, with its seconds
LAST = 2  # steps in which the first command is not killed: it may end before the kill
DIRECTORY = "select oid::text from pg_database where datname = %s"
BOOKS = """
select books.landed - books.undone - books.erased - count(outcomes._position), books.erased
from ledger.books left join intermediate.document_outcomes as outcomes using (source)
where books.source = 'flights' group by books.landed, books.undone, books.erased
"""
INCOMPLETE = "select count(*) filter (where completed_at is null), count(*) from ledger.erasures"


@dataclass(frozen=True)
class Round:
    """One round: its database, a copy of the first one, and its folders; `steps` are the seconds of each step."""

    paths: ServerPaths
    small: SmallPipeline
    database: str
    template: str
    steps: tuple[float, ...] = ()

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return the command that erases the canary, and its variables."""
        waybill = str(Path(sys.executable).with_name("waybill"))
        return [waybill, "erase", "flights", KEY], {**self.small.variables, "PGDATABASE": self.database}


def run_rounds(rounds: int, seed: int) -> Counter[str]:
    """Run the rounds on their own server; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    with own_server() as paths, _first(paths) as template:
        with _copy(template, "undisturbed") as one:
            started = time.monotonic()
            output = _erase(one)
            assert output.returncode == 0, output.stdout + output.stderr
            first, *others = map(float, STEP.findall(output.stdout))
            first = max(first, time.monotonic() - started - sum(others))  # with the start of the command
            steps, expected = (first, *others), _marts(one)
            _compare(one, expected, totals)
        for number in range(rounds):
            rng = random.Random(f"{seed} {number}")
            with _copy(template, str(number)) as one:
                _disturb(replace(one, steps=steps), rng, totals)
                _complete(one, totals)
                _compare(one, expected, totals)
    return totals


@contextmanager
def _first(paths: ServerPaths) -> Iterator[Round]:
    """Run the pipeline once on the small sample with a canary, in a database that is then copied for each round."""
    connection_parameters("owner")
    compress_no_pages()
    folder = Path(tempfile.mkdtemp(prefix="erasures-"))
    try:
        with small_pipeline(folder / "first") as small:
            plant(small, small_sample()["flights"][3], is_wrong=False)
            ran = small.run()
            assert ran.returncode == 0, ran.stdout + ran.stderr
            name = os.environ["PGDATABASE"]
            yield Round(paths, small, name, name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _copy(template: Round, name: str) -> Iterator[Round]:
    database, folder = f"{template.database}_{name}", template.small.folder.with_name(name)
    forget()
    create = "create database {} template {} strategy file_copy"
    execute_on_server(sql.SQL(create).format(sql.Identifier(database), sql.Identifier(template.template)))
    shutil.copytree(template.small.folder, folder)
    before, os.environ["PGDATABASE"] = os.environ["PGDATABASE"], database
    try:
        yield Round(template.paths, SmallPipeline(folder), database, template.template)
    finally:
        os.environ["PGDATABASE"] = before
        drop_database(database)
        shutil.rmtree(folder)


def _erase(one: Round) -> subprocess.CompletedProcess[str]:
    command, variables = one.command()
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=END_SECONDS)


def _disturb(one: Round, rng: random.Random, totals: Counter[str]) -> None:
    """Kill a command in a random step, and perhaps the next one, too."""
    for number in range(rng.choice((1, 1, 2))):
        target = rng.choice(TARGETS)
        done = rng.randrange(len(one.steps) - (0 if number else LAST))
        command, variables = one.command()
        log = one.small.folder / "erase.log"
        with log.open("w") as output:
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=subprocess.STDOUT)
        is_at_work = suspend_at_work(process.pid, partial(_has_done, log, done), rng.uniform(0, one.steps[done]))
        totals["kills"] += 1
        totals["kills during an erase"] += is_at_work
        if "command" in target:
            process.kill()
        if "server" in target:
            kill(processes(one.paths))
        resume(process.pid)
        process.wait(END_SECONDS)
        totals["tracebacks"] += "Traceback" in log.read_text()
        log.unlink()


def _has_done(log: Path, steps: int) -> bool:
    return len(STEP.findall(log.read_text())) >= steps


def _complete(one: Round, totals: Counter[str]) -> None:
    for _ in range(MAX_RERUNS):
        output = _erase(one)
        totals["tracebacks"] += "Traceback" in output.stderr
        if output.returncode == 0:
            return
        print(f"{one.database}: the rerun failed: {output.stdout}{output.stderr}", file=sys.stderr)
    totals["erases that did not complete"] += 1


def _marts(one: Round) -> dict[str, MartHash]:
    forget()
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def _compare(one: Round, expected: dict[str, MartHash], totals: Counter[str]) -> None:
    totals["marts that differ"] += _marts(one) != expected
    ((unaccounted, erased),) = rows(BOOKS)
    ((incomplete, erasures),) = rows(INCOMPLETE)
    totals["books that do not balance"] += unaccounted != 0 or erased != 4
    totals["erasures incomplete or doubled"] += (incomplete, erasures) != (0, 1)
    ((other,),) = rows(DIRECTORY, one.template)
    execute_on_server("checkpoint")
    held = files_with_canaries([one.paths.data.parent, one.small.folder])
    sources = str(one.small.folder / "raw")
    left = [path for path in held if not path.startswith(sources) and f"/base/{other}/" not in path]
    totals["files with canaries"] += len(left)
    if left:
        print(f"{one.database}: canaries are left in {left}", file=sys.stderr)
