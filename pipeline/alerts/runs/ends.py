"""Judges when a run last ended, and when one was last complete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from loader.declarations import source_names
from pipeline.alerts.alert import Alert, Found
from pipeline.stage_list import read_stages
from waybill.cli import shown_command
from waybill.settings import Settings

# A stage that was killed has no row: its stages stop before the last one.
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


@dataclass(frozen=True)
class Ends:
    """When a run or a stage first ended, when one last did, and when a run was last complete."""

    first_at: datetime | None = None
    last_at: datetime | None = None
    complete_at: datetime | None = None


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
        message, since = f"no run has ended within {hours}; the last one ended at {shown(ends.last_at)}", ends.last_at
    elif now - (since or ends.first_at) > limit:
        last = f"the last one that did ended at {shown(since)}" if since else "none ever has"
        message = f"no run has come to its end within {hours}; {last}, and stages have run since"
    else:
        return Found()
    return Found([Alert("no_run", "database", settings.pgdatabase, message, shown_command("run"), since=since)])


def shown(at: datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
