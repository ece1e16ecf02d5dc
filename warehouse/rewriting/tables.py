"""Rewrites tables with `vacuum full` and analyses them, each as its owner, and removes the statistics of empty ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.connection import connect
from warehouse.errors import RewriteBlocked
from warehouse.logins import ROLES, Role, role_name
from warehouse.migrations.workers import Reporter
from warehouse.rewriting.snapshots import WAIT_SECONDS, wait_for_older_snapshots

LOCK_TIMEOUT = "2s"  # queries that come later wait as long for us
AT_ONCE = 2  # tables that are rewritten at the same time
STATISTICS = ("pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data")

TABLES = """
select format('%%I.%%I', namespaces.nspname, tables.relname), pg_get_userbyid(tables.relowner)
from pg_class as tables
inner join pg_namespace as namespaces on tables.relnamespace = namespaces.oid
where tables.oid = any(select to_regclass(name) from unnest(%s::text[]) as name) and tables.relkind in ('r', 'm')
order by pg_total_relation_size(tables.oid) desc, 1
"""
BLOCKERS = """
select blocking.pid, coalesce(nullif(blocking.application_name, ''), 'a session'), blocking.xact_start
from pg_locks as locks
inner join pg_stat_activity as blocking using (pid)
where locks.relation = to_regclass(%s) and locks.granted and blocking.pid <> pg_backend_pid()
"""
# ANALYZE leaves the statistics of a table that has no row any more, with its most common values.
OLD_STATISTICS = """
select statistics.schemaname, statistics.tablename, statistics.attname
from pg_stats as statistics
inner join pg_class as tables
    on to_regclass(format('%%I.%%I', statistics.schemaname, statistics.tablename)) = tables.oid
left join pg_index as indexes on tables.oid = indexes.indexrelid
where coalesce(indexes.indrelid, tables.oid) = to_regclass(%s)
"""
CLEAR = "select pg_clear_attribute_stats(%s, %s, %s, false)"
DELETE = "delete from pg_statistic where starelid = format('%%I.%%I', %s, %s)::regclass"  # as a superuser only
CLEARS_STATISTICS = 180000  # the first version with a function for it


@dataclass
class Rewritten:
    """The tables that were rewritten, those that could not be, and whether sessions were hidden that may keep rows."""

    tables: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    saw_all: bool = True


def rewrite_tables(names: Sequence[str], progress: Callable[[str], None] = lambda _: None) -> Rewritten:
    """Rewrite tables and materialized views by their qualified names, with their indexes, and analyse them.

    Names of views, and of what does not exist, are left out. Then the table of statistics is rewritten.

    Raises:
        RewriteBlocked: a session has kept a table, or a transaction that sees what was deleted, for too long.
    """
    done = Rewritten()
    with closing(connect("owner")) as owner:
        done.saw_all = wait_for_older_snapshots(owner).saw_all
        with owner.cursor() as cursor:
            cursor.execute(TABLES, [list(names)])
            found: list[tuple[str, str]] = cursor.fetchall()
    _rewrite(found, done, progress)
    with closing(_vacuuming_connection("owner")) as connection:
        done.skipped += [f"statistics of {name}" for name in done.tables if not _forget_values(connection, name)]
        wait_for_older_snapshots(connection)
    _rewrite([(name, "") for name in STATISTICS], done, progress, at_once=1)
    return done


def _rewrite(
    found: Sequence[tuple[str, str]], done: Rewritten, progress: Callable[[str], None], *, at_once: int = AT_ONCE
) -> None:
    """Rewrite tables, each given with the login that owns it, some at the same time, the largest first."""

    def rewrite(table: tuple[str, str]) -> bool:
        name, login = table
        progress(name)
        with closing(_vacuuming_connection(_role_of(login))) as connection:
            return _vacuum(connection, name)

    with ThreadPoolExecutor(at_once) as pool:
        for (name, _), is_rewritten in zip(found, pool.map(rewrite, found), strict=True):
            (done.tables if is_rewritten else done.skipped).append(name)


def _role_of(login: str) -> Role:
    return next((role for role in ROLES if role_name(role) == login), "owner")


def _vacuuming_connection(role: Role) -> Connection:
    connection = connect(role)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
    return connection


def _vacuum(connection: Connection, name: str) -> bool:
    """Rewrite one table; return False if the login may not, which PostgreSQL only reports."""
    reporter, deadline = Reporter(f"waiting for sessions that use {name}"), time.monotonic() + WAIT_SECONDS
    analyze = sql.SQL("") if name in STATISTICS else sql.SQL(", analyze")
    statement = sql.SQL("vacuum (full{}) {}").format(analyze, sql.Identifier(*_parts(connection, name)))
    with connection.cursor() as cursor:
        while True:
            connection.notices.clear()
            try:
                cursor.execute(statement)
                return not any("WARNING" in notice for notice in connection.notices)
            except (errors.LockNotAvailable, errors.DeadlockDetected):
                cursor.execute(BLOCKERS, [name])
                blockers = cursor.fetchall()
            if time.monotonic() > deadline:
                by = f" ({blockers[0][1]}, server process {blockers[0][0]})" if blockers else ""
                raise RewriteBlocked(f"a session{by} keeps {name} locked: end it, then run the same command again")
            reporter.report(blockers)


def _parts(connection: Connection, name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select parse_ident(%s)", [name])
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def _forget_values(connection: Connection, name: str) -> bool:
    """Remove the statistics of a table without rows; return False if the server or the login does not permit it."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select exists (select from {})").format(sql.Identifier(*_parts(connection, name))))
        if cursor.fetchone()[0]:  # type: ignore[index]
            return True
        cursor.execute(OLD_STATISTICS, [name])
        found = cursor.fetchall()
    try:
        with connection.cursor() as cursor:
            _clear(cursor, connection.server_version, found)
    except errors.InsufficientPrivilege:
        return False
    return True


def _clear(cursor: Cursor, version: int, found: list[tuple[str, str, str]]) -> None:
    for schema, table, column in found:
        if version >= CLEARS_STATISTICS:
            cursor.execute(CLEAR, [schema, table, column])
        else:
            cursor.execute(DELETE, [schema, table])
