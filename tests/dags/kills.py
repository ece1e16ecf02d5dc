# waybill: sample
"""Kills tasks at random moments of their work, retries them, and compares the tables with what was delivered."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import psutil

from pipeline.run_record import read_record
from tests.dags.conftest import ScheduledPipeline
from tests.support.databases import rows
from tests.support.scheduled.airflow import kill_run, running_command
from tests.support.small.pipeline import small_sample
from warehouse.work_lock import ONLY_RUN_KEY
from waybill.settings import get_settings

KILLED_STAGES = ("load", "dbt", "score")
TARGETS = (
    "command",
    "task",
)  # the project's command alone, or the process that waits for it, as an empty machine would
WRONG = (
    "lost", "doubled", "batches that do not balance", "rows of an older version", "predictions missing or doubled",
    "commands that outlive their task", "locks not given back", "retries that did not complete",
    "tracebacks of the project",
)  # fmt: skip
COUNTED = (
    "rounds", "kills", "kills of the command", "kills of the task", "retried by Airflow", "retried by hand", "delivered",
)  # fmt: skip
START_SECONDS, END_SECONDS = 400, 60
FIRST_DAY = date(2024, 2, 1)
WORKING = "select count(*) from pg_stat_activity where datname = current_database() and application_name = %s"
LOCKED = """
select count(*)
from pg_locks
where locktype = 'advisory' and granted and objid = %s and classid = 0
    and database = (select oid from pg_database where datname = current_database())
"""
LANDED = "select _fingerprint::text, count(*) from raw.flights where document ->> 'updated_at' = %s group by 1"
UNBALANCED = """
select count(*)
from ledger.batches
where read <> landed + rejected + skipped
    or source = 'flights' and landed <> (select count(*) from raw.flights where _batch_id = batches.batch_id)
"""
OLD_ROWS = "select count(*) from marts.fct_flights where updated_at <> %s"
PREDICTIONS = """
select count(*), count(distinct flight_id), (select count(*) from marts.fct_flights)
from predictions.flight_delays_small
"""


def run_rounds(scheduled: ScheduledPipeline, rounds: int, seed: int) -> Counter[str]:
    """Kill each of the stages once a round, in a pipeline that has run once; return the totals by name."""
    totals: Counter[str] = Counter(rounds=rounds)
    seconds = {entry["name"]: entry["seconds"] for entry in read_record(get_settings())}
    for number in range(rounds):
        written = f"2015-01-{number % 28 + 1:02}T00:00:{number // 28:02}Z"
        flights = _updated_flights(written)
        scheduled.small.deliver("flights", f"round-{number}.ndjson", flights)
        for offset, stage in enumerate(KILLED_STAGES):
            rng = random.Random(f"{seed} {number} {stage}")
            day = str(FIRST_DAY + timedelta(days=number * len(KILLED_STAGES) + offset))
            for longest in (0.8 * seconds[stage], 0.3, 0):  # it may have ended before: then try again, sooner
                if _kill_and_retry(scheduled, stage, day, (rng.choice(TARGETS), rng.uniform(0, longest)), totals):
                    break
        landed = dict(rows(LANDED, written))
        totals["delivered"] += len(flights)
        totals["lost"] += len(flights) - len(landed)
        totals["doubled"] += sum(landed.values()) - len(landed)
        totals["rows of an older version"] += rows(OLD_ROWS, written)[0][0]
        ((predicted, keys, expected),) = rows(PREDICTIONS)
        totals["predictions missing or doubled"] += abs(predicted - expected) + predicted - keys
    totals["batches that do not balance"] = rows(UNBALANCED)[0][0]
    return totals


def _updated_flights(written: str) -> list[dict[str, Any]]:
    """Return a newer version of every flight of the small sample, each document once."""
    flights = [{**flight, "updated_at": written} for flight in small_sample()["flights"]]
    return [*{json.dumps(flight): flight for flight in flights}.values()]


def _kill_and_retry(
    scheduled: ScheduledPipeline, stage: str, day: str, kill: tuple[str, float], totals: Counter[str]
) -> bool:
    """Kill one stage's task while its command works, check that its lock is free, and run the task until it succeeds.

    Return whether the command was still at work when it was to be killed.
    """
    target, pause = kill
    process = scheduled.airflow.start_run(day, only=stage)
    command = _wait_for_work(process, stage)
    time.sleep(pause)
    is_killed = command is not None and _is_at_work(command)
    if command and is_killed:
        totals["kills"] += 1
        totals[f"kills of the {target}"] += 1
        command.kill() if target == "command" else kill_run(process)
    output = process.communicate()[0]
    totals["tracebacks of the project"] += "this is a fault of Waybill" in output
    if command and target == "task":
        totals["commands that outlive their task"] += not _ends(command)
    totals["locks not given back"] += not _is_free()
    state, tries = scheduled.airflow.states(day).get(stage, ("", 0))
    totals["retried by Airflow"] += state == "success" and tries > 1
    if state != "success":  # a scheduler is not there to try it again
        scheduled.airflow.run(day, only=stage)
        totals["retried by hand"] += 1
    totals["retries that did not complete"] += scheduled.airflow.states(day)[stage][0] != "success"
    return is_killed


def _wait_for_work(process: subprocess.Popen[str], stage: str) -> psutil.Process | None:
    """Return the stage's command once it holds the locks of its work; None if it was never seen."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if rows(WORKING, f"waybill stage {stage}") != [(0,)]:
            return running_command(process, stage)
        time.sleep(0.05)
    return None


def _is_at_work(command: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return command.status() != psutil.STATUS_ZOMBIE
    return False


def _ends(command: psutil.Process) -> bool:
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        if not _is_at_work(command):
            return True
        time.sleep(0.1)
    return False


def _is_free() -> bool:
    """Return whether the lock for runs is free, at the latest after some seconds: the server has to notice a kill."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        if rows(LOCKED, ONLY_RUN_KEY) == [(0,)]:
            return True
        time.sleep(0.1)
    return False
