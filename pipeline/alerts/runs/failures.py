"""Judges failures: the stages that failed or were killed, and the last run, if it failed outside of its stages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from pipeline.alerts.alert import Alert, Found, Kind
from pipeline.alerts.runs.ends import shown
from pipeline.stage_list import STAGE_COMMAND, read_stages
from pipeline.stages import gate_path
from warehouse.work_lock import ENDED, RUN_KEY
from waybill.cli import shown_command
from waybill.settings import PROJECT
from waybill.text import counted

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
# A run that is recorded as running has ended if nobody holds its lock.
IS_AT_WORK = """
exists (
    select from pg_locks as locks
    where locks.locktype = 'advisory' and locks.objsubid = 1 and locks.granted
        and locks.database = (select oid from pg_database where datname = current_database())
        and (locks.classid::bigint << 32 | locks.objid::bigint) = hashtextextended(runs.run_id::text, :key)
)
"""
# Stages that were run by themselves and killed, with all kills since the last success: the first stage of the command
# that did not end is the one that was at work.
KILLED_STAGES = f"""
with killed as (
    select distinct on (runs.run_id) named.stage, runs.started_at
    from ledger.runs as runs
    cross join lateral string_to_table(substr(runs.command, :stages_at), ' ') with ordinality as named (stage, number)
    where starts_with(runs.command, :command)
        and (runs.detail = :ended or runs.outcome = 'running' and not {IS_AT_WORK})
        and not exists (
            select from ledger.stage_runs as done where done.run_id = runs.run_id and done.stage = named.stage
        )
    order by runs.run_id, named.number
)
select stage, count(*) as times, min(started_at) as since, max(started_at) as last_at
from killed
where not exists (
    select from ledger.stage_runs as later
    where later.kind = 'stage' and later.stage = killed.stage and later.outcome = 'succeeded'
        and later.started_at > killed.started_at
)
group by stage
"""
# The last run, with its failed stages.
LAST_RUN = f"""
select runs.started_at, runs.outcome, runs.detail,
    exists (
        select from ledger.stage_runs as stages where stages.run_id = runs.run_id and stages.outcome = 'failed'
    ) as has_failed_stage,
    {IS_AT_WORK} as is_at_work,
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


def judge_failures(connection: Connection) -> Found:
    """Return an alert for each stage that failed or was killed, or one for the last run, if it failed elsewhere."""
    alerts = _failed_stages(connection)
    alerts += _killed_stages(connection, but={alert.name for alert in alerts})
    return Found(alerts or _killed_run(connection))


def _failed_stages(connection: Connection) -> list[Alert]:
    stages = {stage.name: stage for stage in read_stages()}
    alerts = []
    for row in connection.execute(text(FAILED_STAGES)).mappings():
        if row["stage"] not in stages:
            continue
        gate = gate_path(stages[row["stage"]])
        page = gate if gate and _is_written_since(gate, row["last_at"]) else None
        what = "this gate" if gate else "this stage"
        look = f"; look at {page}, then run again" if page else "; run again to see why"
        message = f"{what} failed at {_times(row)}; nothing after it is up to date{look}"
        alerts.append(_alert("stage", row["stage"], message, since=row["since"]))
    return alerts


def _is_written_since(page: str, moment: datetime) -> bool:
    """Return whether a gate's page is of its last run: one that was interrupted, for example, has written none."""
    try:
        return (PROJECT / page).stat().st_mtime >= moment.timestamp()
    except OSError:
        return False


def _killed_stages(connection: Connection, *, but: Collection[str]) -> list[Alert]:
    """Return an alert for each stage whose own process was killed, except for those that have one."""
    start = f"{STAGE_COMMAND} "
    known = {stage.name for stage in read_stages()} - set(but)
    given = {"key": RUN_KEY, "ended": ENDED, "command": start, "stages_at": len(start) + 1}
    return [
        _alert(
            "stage",
            row["stage"],
            f"this stage of {_times(row)} did not complete: {ENDED}; nothing after it is up to date",
            since=row["since"],
        )
        for row in connection.execute(text(KILLED_STAGES), given).mappings()
        if row["stage"] in known
    ]


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
    message = f"the run of {shown(found['started_at'])} did not complete: {why}"
    return [_alert("run", "pipeline", message, since=found["started_at"])]


def _alert(kind: Kind, name: str, message: str, *, since: datetime) -> Alert:
    """Return an alert; it is sent again if failures begin after a success."""
    return Alert("run_failed", kind, name, message, shown_command("run"), since=since, cause=since.isoformat())


def _times(row: RowMapping) -> str:
    """Return when something last happened and, if it has happened before, how often since when."""
    before = f", {counted(row['times'], 'time')} since {shown(row['since'])}" if row["times"] > 1 else ""
    return f"{shown(row['last_at'])}{before}"
