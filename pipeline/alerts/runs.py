"""Judges the runs: when the last one ended, which of its stages failed, and whether one is at work now."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from loader.declarations import source_names
from pipeline.alerts.alert import Alert, Found
from pipeline.stage_list import read_stages
from pipeline.stages import gate_path
from warehouse.migrations.workers import lock_holders
from warehouse.work_lock import ENDED, ONLY_RUN_KEY, RUN_KEY
from waybill.cli import shown_command
from waybill.settings import Settings
from waybill.text import counted

LOOKS_AFTER_RUN, LOOK_SECONDS = 10, 0.1
DBT_AT_WORK = """
select exists (
    select from pg_stat_activity where datname = current_database() and application_name = 'dbt'
)
"""
# A stage that was killed leaves no row: its stages stop before the last one.
ENDS = """
select min(ended_at) as first_at, max(ended_at) as last_at, max(ended_at) filter (where is_complete) as complete_at
from (
    select ended_at, outcome = 'succeeded' as is_complete from ledger.runs where command = 'pipeline'
    union all
    select started_at + wall_seconds * interval '1 second', stage = :last_stage and outcome = 'succeeded'
    from ledger.stage_runs
    where kind = 'stage'
) as ends
"""
# Stages whose last run failed, with all failures since the last success.
FAILED_STAGES = """
with stages as (
    select stage, max(started_at) filter (where outcome = 'succeeded') as succeeded_at
    from ledger.stage_runs
    where kind = 'stage'
    group by stage
)
select runs.stage, count(*) as times, min(runs.started_at) as since, max(runs.started_at) as last_at
from ledger.stage_runs as runs
inner join stages on runs.stage = stages.stage
where runs.kind = 'stage' and runs.outcome = 'failed'
    and (stages.succeeded_at is null or runs.started_at > stages.succeeded_at)
group by runs.stage
"""
# The last run, with its failed stages; a run that is recorded as running has ended if nobody holds its lock.
LAST_RUN = """
select runs.started_at, runs.outcome, runs.detail,
    exists (
        select from ledger.stage_runs as stages where stages.run_id = runs.run_id and stages.outcome = 'failed'
    ) as has_failed_stage,
    exists (
        select from pg_locks as locks
        where locks.locktype = 'advisory' and locks.objsubid = 1 and locks.granted
            and locks.database = (select oid from pg_database where datname = current_database())
            and (locks.classid::bigint << 32 | locks.objid::bigint) = hashtextextended(runs.run_id::text, :key)
    ) as is_at_work,
    exists (
        select from ledger.stage_runs as stages
        where stages.kind = 'stage' and stages.stage = :last_stage and stages.outcome = 'succeeded'
            and stages.started_at > runs.started_at
    ) as is_repeated
from ledger.runs as runs
where runs.command = 'pipeline'
order by runs.started_at desc
limit 1
"""


@dataclass(frozen=True)
class Ends:
    """When a run or a stage first ended, when one last did, and when a run was last complete."""

    first_at: datetime | None = None
    last_at: datetime | None = None
    complete_at: datetime | None = None


def judge_failures(connection: Connection) -> Found:
    """Return an alert for each stage whose last run failed, or one for the last run, if it failed between stages."""
    return Found(_failed_stages(connection) or _killed_run(connection))


def judge_ends(connection: Connection, settings: Settings, now: datetime, *, has_failed: bool) -> Found:
    """Return an alert if no run has ended for too long, or none was complete although no failure explains that."""
    ends = Ends(**connection.execute(text(ENDS), {"last_stage": read_stages()[-1].name}).mappings().one())
    return judge_last_run(replace(ends, complete_at=ends.last_at) if has_failed else ends, settings, now)


def judge_last_run(ends: Ends, settings: Settings, now: datetime) -> Found:
    """Return an alert if no run has ended for too long, or none was complete; none without a source to load."""
    limit, hours = timedelta(hours=settings.waybill_alert_run_hours), f"{settings.waybill_alert_run_hours:g} h"
    since = ends.complete_at
    if not limit or not source_names():
        return Found()
    if ends.first_at is None or ends.last_at is None:
        message = "nothing has run yet"
    elif now - ends.last_at > limit:
        message, since = f"no run has ended within {hours}; the last one ended at {_shown(ends.last_at)}", ends.last_at
    elif now - (since or ends.first_at) > limit:
        last = f"the last one that did ended at {_shown(since)}" if since else "none ever has"
        message = f"no run has come to its end within {hours}; {last}, and stages have run since"
    else:
        return Found()
    return Found([Alert("no_run", "database", settings.pgdatabase, message, shown_command("run"), since=since)])


def find_work(connection: Connection, *, after_run: bool) -> str:
    """Return that a run, an undo or dbt is at work; empty if none is.

    After its own run, a process waits for the server to notice that it has ended.
    """
    at_work = _at_work(connection)
    for _ in range(LOOKS_AFTER_RUN if after_run else 0):
        if at_work:
            time.sleep(LOOK_SECONDS)
            at_work = _at_work(connection)
    return at_work


def _failed_stages(connection: Connection) -> list[Alert]:
    stages = {stage.name: stage for stage in read_stages()}
    alerts = []
    for row in connection.execute(text(FAILED_STAGES)).mappings():
        if row["stage"] not in stages:
            continue
        page = gate_path(stages[row["stage"]])
        what = "this gate" if page else "this stage"
        before = f", {counted(row['times'], 'time')} since {_shown(row['since'])}" if row["times"] > 1 else ""
        look = f"; look at {page}, then run again" if page else "; run again to see why"
        alerts.append(
            Alert(
                rule="run_failed",
                kind="stage",
                name=row["stage"],
                message=f"{what} failed at {_shown(row['last_at'])}{before}; nothing after it is up to date{look}",
                command=shown_command("run"),
                since=row["since"],
                cause=row["since"].isoformat(),
            )
        )
    return alerts


def _killed_run(connection: Connection) -> list[Alert]:
    """Return an alert if the last run failed outside of its stages: it was killed, or interrupted between two."""
    found = (
        connection.execute(text(LAST_RUN), {"key": RUN_KEY, "last_stage": read_stages()[-1].name}).mappings().first()
    )
    if found is None or found["has_failed_stage"] or found["is_at_work"] or found["is_repeated"]:
        return []
    if found["outcome"] == "succeeded":
        return []
    detail = found["detail"] or ENDED
    why = detail if detail == ENDED or detail.startswith("interrupted by ") else detail.partition(":")[0]
    return [
        Alert(
            rule="run_failed",
            kind="run",
            name="pipeline",
            message=f"the run of {_shown(found['started_at'])} did not complete: {why}",
            command=shown_command("run"),
            since=found["started_at"],
            cause=found["started_at"].isoformat(),
        )
    ]


def _at_work(connection: Connection) -> str:
    """Return that a run, an undo or dbt is at work: they change marts and models in steps. Empty if none is."""
    if lock_holders(connection.connection.cursor(), ONLY_RUN_KEY):  # type: ignore[arg-type]  # it is psycopg2's
        return "a run or an undo is at work"
    return "dbt is at work" if connection.scalar(text(DBT_AT_WORK)) else ""


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
