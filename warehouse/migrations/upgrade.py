"""Brings a database to the latest layout: an empty one gets all tables, an older one is migrated in place."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from psycopg2.extensions import connection as Connection
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from warehouse.errors import MigrationBlocked
from warehouse.logins import Role
from warehouse.migrations.layouts import OLDEST_LAYOUT, SCHEMAS, latest_layout, layout_version
from warehouse.migrations.workers import Reporter

TABLE_LOCK_SECONDS = 60  # in all; meanwhile the sessions that lock a table are reported
ATTEMPT_SECONDS = 2

LOCKERS = """
select distinct activity.pid, coalesce(nullif(activity.application_name, ''), 'a session of ' || activity.usename),
    activity.backend_start
from pg_locks as locks
inner join pg_class as relations on locks.relation = relations.oid
inner join pg_stat_activity as activity on locks.pid = activity.pid
where locks.granted and locks.pid <> pg_backend_pid() and relations.relnamespace::regnamespace::text = any(%s)
    and locks.database = (select oid from pg_database where datname = current_database())
"""

# The table in which Alembic keeps its revision. It is made together with the schema, in one transaction: the schema
# without the table is another program's, the table without `ledger.layout` is a database that was not completed.
VERSION_TABLE = """
create schema if not exists ledger;
create table if not exists ledger.alembic_version (
    version_num varchar(32) not null,
    constraint alembic_version_pkc primary key (version_num)
)
"""

logger = logging.getLogger(__name__)


def upgrade(connection: Connection, logins: dict[Role, str], *, layout: int | None = None) -> None:
    """Run the migrations that the database has not had, each in one transaction; safe to interrupt and repeat.

    The connection is the owner's and holds the work lock exclusively. The last step is the one to `layout`, by default
    the latest.

    Raises:
        MigrationBlocked: another session has kept a table locked for too long.
    """
    before, target = layout_version(connection), layout or latest_layout()
    _prepare(connection, before)
    reporter = Reporter("the migration waits for sessions that lock a table")
    deadline = time.monotonic() + TABLE_LOCK_SECONDS
    while not _has_run(connection, logins, target):
        if time.monotonic() > deadline:
            raise MigrationBlocked(
                f"the tables could not be migrated to layout {target}: another session has kept one of them "
                f"locked for {TABLE_LOCK_SECONDS} seconds; end its transaction, then run the same command again"
            )
        with connection, connection.cursor() as cursor:
            cursor.execute(LOCKERS, [list(SCHEMAS)])
            reporter.report(cursor.fetchall())
    if before is not None:
        logger.warning(
            "migrated the database database=%s from_layout=%d to_layout=%d",
            connection.info.dbname, before, target,
        )  # fmt: skip


def _has_run(connection: Connection, logins: dict[Role, str], layout: int) -> bool:
    """Run the migrations; return False if one of them could not lock a table, which undid this one only."""
    engine = create_engine("postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["logins"] = logins
    try:
        with engine.connect() as bound:
            config.attributes["connection"] = bound
            command.upgrade(config, str(layout))
    except Exception as error:
        if not isinstance(getattr(error, "orig", error), psycopg2.errors.LockNotAvailable):
            raise
        return False
    return True


def _prepare(connection: Connection, layout: int | None) -> None:
    """Create Alembic's table, with the revision of a database that was made before there were migrations."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"set lock_timeout = '{ATTEMPT_SECONDS}s'")
        cursor.execute(VERSION_TABLE)
        cursor.execute("select 1 from ledger.alembic_version")
        if layout == OLDEST_LAYOUT and cursor.fetchone() is None:
            cursor.execute("insert into ledger.alembic_version values (%s)", [str(layout)])
