"""Finds out whether a run, an undo or dbt is at work now."""

from __future__ import annotations

from sqlalchemy import Connection, text

from warehouse.migrations.workers import lock_holders
from warehouse.work_lock import ONLY_RUN_KEY

DBT_AT_WORK = """
select exists (
    select from pg_stat_activity where datname = current_database() and application_name = 'dbt'
)
"""


def find_work(connection: Connection) -> str:
    """Return that a run, an undo or dbt is at work: they change marts and models in steps. Empty if none is."""
    if lock_holders(connection.connection.cursor(), ONLY_RUN_KEY):  # type: ignore[arg-type]  # it is psycopg2's
        return "a run or an undo is at work"
    return "dbt is at work" if connection.scalar(text(DBT_AT_WORK)) else ""
