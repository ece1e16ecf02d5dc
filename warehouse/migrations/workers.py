"""The advisory lock that migrations take exclusively, and the locks that this process holds while it works.

Both sides try again in short intervals instead of queueing in PostgreSQL: a shared request that waits after a queued
exclusive one would deadlock a run whose own stages take the lock, too. The server releases the lock of a process that
was killed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from datetime import datetime
from typing import Protocol

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

KEY = 0x57415943
MIGRATIONS_KEY = 0x57415944  # one migration at a time
RETRY_SECONDS = 0.2
REMIND_SECONDS = 30.0
QUIET_SECONDS = 1.0  # of a wait that is not reported
TRY_LOCK, LOCK = "select pg_try_advisory_xact_lock(%s)", "select pg_advisory_xact_lock(%s)"

HOLDERS = """
select activity.pid, coalesce(nullif(activity.application_name, ''), 'a session of ' || activity.usename, 'a session'),
    activity.backend_start
from pg_locks as locks
left join pg_stat_activity as activity using (pid)
where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1
    and (locks.classid::bigint << 32 | locks.objid::bigint) = %s
    and (%s or locks.database = (select oid from pg_database where datname = current_database()))
order by activity.backend_start
"""

Holder = tuple[int, str, datetime | None]  # its server process, its name, since when it is connected

logger = logging.getLogger(__name__)


class HeldLock(Protocol):
    """A shared lock of this process, see `warehouse.work_lock`."""

    pid: int

    def renew(self) -> None:
        """Take the lock again if its connection was lost."""


held_locks: list[HeldLock] = []
_renewing = threading.RLock()


def renew_held() -> None:
    """Take this process's locks again, which it lost with the server; called when the server is up again."""
    with _renewing:
        for lock in list(held_locks):
            if lock.pid == os.getpid():  # a forked child shares the connection and must not use it
                lock.renew()


def wait_for_workers(connection: Connection) -> None:
    """Take the lock exclusively for as long as the connection lasts; report on stderr whom it waits for."""
    wait_for_lock(connection, "pg_try_advisory_lock", "a migration of the tables waits for commands to end")


def lock_migrations(connection: Connection) -> None:
    """Let no other command create or migrate the tables for as long as the connection lasts."""
    wait_for_lock(connection, "pg_try_advisory_lock", "waiting for a migration of the tables", MIGRATIONS_KEY)


def wait_for_lock(connection: Connection, function: str, message: str, key: int = KEY) -> None:
    """Call `function` until it gets the lock, outside of any transaction; report on stderr whom it waits for."""
    autocommit, connection.autocommit = connection.autocommit, True
    _try_until_taken(connection, function, message, key)
    connection.autocommit = autocommit


def wait_in_transaction(cursor: Cursor, key: int, message: str) -> None:
    """Take a lock until the end of the transaction; report on stderr whom it waits for, once it has waited a second."""
    until = time.monotonic() + QUIET_SECONDS
    cursor.execute(TRY_LOCK, [key])
    while not cursor.fetchone()[0]:  # type: ignore[index]
        if time.monotonic() > until:
            Reporter(message).report(_find_holders(cursor, key))
            cursor.execute(LOCK, [key])
            return
        time.sleep(RETRY_SECONDS)
        cursor.execute(TRY_LOCK, [key])


def wait_for_all_workers(connection: Connection) -> None:
    """Wait until no command works on any database of the server; report on stderr whom it waits for."""
    reporter = Reporter("waiting for commands to end, before the server stops")
    with connection.cursor() as cursor:
        while holders := _find_holders(cursor, KEY, in_all_databases=True):
            reporter.report(holders)
            time.sleep(RETRY_SECONDS)


def lock_holders(cursor: Cursor, key: int) -> list[str]:
    """Return a description of each session that holds a lock."""
    return list(map(_describe, _find_holders(cursor, key)))


def _try_until_taken(connection: Connection, function: str, message: str, key: int) -> None:
    reporter = Reporter(message)
    with connection.cursor() as cursor:
        while True:
            cursor.execute(f"select {function}(%s)", [key])
            if cursor.fetchone()[0]:  # type: ignore[index]
                return
            reporter.report(_find_holders(cursor, key))
            time.sleep(RETRY_SECONDS)


def _find_holders(cursor: Cursor, key: int, *, in_all_databases: bool = False) -> list[Holder]:
    cursor.execute(HOLDERS, [key, in_all_databases])
    return cursor.fetchall()


class Reporter:
    """Logs whom a command waits for, when that changes and every half a minute."""

    def __init__(self, message: str) -> None:
        """Report nothing yet; `message` says what waits."""
        self._message = message
        self._pids: list[int] = []
        self._reported_at = 0.0

    def report(self, holders: list[Holder]) -> None:
        """Log the holders, unless they were logged a moment ago."""
        pids = [pid for pid, _, _ in holders]
        if holders and (pids != self._pids or time.monotonic() - self._reported_at > REMIND_SECONDS):
            logger.warning("%s holders=%s", self._message, ", ".join(map(_describe, holders)))
            self._pids, self._reported_at = pids, time.monotonic()


def _describe(holder: Holder) -> str:
    pid, name, since = holder
    return f"{name} (server process {pid}{f', since {since:%F %T}' if since else ''})"
