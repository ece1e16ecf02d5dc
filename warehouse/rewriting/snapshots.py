"""Waits until no session can see rows any more that were deleted before: as long as one can, PostgreSQL keeps them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.errors import RewriteBlocked
from warehouse.migrations.workers import Holder, Reporter

RETRY_SECONDS = 0.2
WAIT_SECONDS = 600.0

NOW = "select pg_current_xact_id()::xid::text"
SEES_ALL = "select pg_has_role('pg_read_all_stats', 'usage')"
# Sessions, prepared transactions and replication slots that still see what a transaction has changed.
OLDER = """
select pid, coalesce(nullif(application_name, ''), 'a session of ' || usename, 'a session'), xact_start
from pg_stat_activity
where pid <> pg_backend_pid() and (datname = current_database() or backend_type = 'walsender')
    and age(backend_xmin) >= age(%(now)s::xid)
union all
select 0, 'the prepared transaction ' || gid, prepared
from pg_prepared_xacts
where database = current_database() and age(transaction) >= age(%(now)s::xid)
union all
select 0, 'the replication slot ' || slot_name, null
from pg_replication_slots
where age(xmin) >= age(%(now)s::xid) or age(catalog_xmin) >= age(%(now)s::xid)
"""


@dataclass(frozen=True)
class Waited:
    """That all sessions that could be seen have ended their transactions; `saw_all` is False if some are hidden."""

    saw_all: bool


def wait_for_older_snapshots(connection: Connection, seconds: float = WAIT_SECONDS) -> Waited:
    """Wait until nobody sees rows that were deleted before this call; report on stderr whom it waits for.

    Raises:
        RewriteBlocked: a session has kept its transaction open for too long.
    """
    connection.autocommit = True
    reporter = Reporter("waiting for transactions to end that still see what was deleted")
    with connection.cursor() as cursor:
        cursor.execute(NOW)
        now = _one(cursor)
        deadline = time.monotonic() + seconds
        while holders := _older(cursor, now):
            if time.monotonic() > deadline:
                raise RewriteBlocked(
                    f"{holders[0][1]} has not ended its transaction (server process {holders[0][0]}), and can see what "
                    "was deleted: end it, then run the same command again"
                )
            reporter.report(holders)
            time.sleep(RETRY_SECONDS)
        cursor.execute(SEES_ALL)
        return Waited(saw_all=_one(cursor))


def _older(cursor: Cursor, now: str) -> list[Holder]:
    cursor.execute(OLDER, {"now": now})
    return cursor.fetchall()


def _one(cursor: Cursor) -> Any:
    return cursor.fetchone()[0]  # type: ignore[index]
