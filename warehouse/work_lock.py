"""The advisory lock between commands that work on the warehouse (shared) and migrations of its tables (exclusive).

Both sides try again in short intervals instead of queueing in PostgreSQL: a shared request that waits after a queued
exclusive one would deadlock a run whose own stages take the lock, too. The server releases the lock of a process that
was killed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import psycopg2
from psycopg2.extensions import connection as Connection

from warehouse.connection import connection_parameters, open_connection
from warehouse.errors import LayoutMismatch
from warehouse.migrations.layouts import latest_layout, layout_differs, layout_version

KEY = 0x57415943
RETRY_SECONDS = 0.2
REMIND_SECONDS = 30.0

HOLDERS = """
select activity.pid, coalesce(nullif(activity.application_name, ''), 'a session of ' || activity.usename, 'a session'),
    activity.backend_start
from pg_locks as locks
left join pg_stat_activity as activity using (pid)
where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1
    and (locks.classid::bigint << 32 | locks.objid::bigint) = %s
    and locks.database = (select oid from pg_database where datname = current_database())
order by activity.backend_start
"""

logger = logging.getLogger(__name__)


class WorkLock:
    """A shared lock on its own connection, held while a command works; taken again after the server was away."""

    def __init__(self, command: str) -> None:
        """Take the lock; `command` is how a waiting migration names its holder.

        Raises:
            LayoutMismatch: a newer Waybill has migrated the tables.
            ServerUnreachable: see `warehouse.errors`.
        """
        self._parameters = {
            **connection_parameters("loader"),
            "application_name": f"waybill {command}"[:63],
            "options": "-c idle_session_timeout=0",
            "keepalives_idle": "60",
        }
        self._connection = self._acquire()
        self.pid = os.getpid()

    def _acquire(self) -> Connection:
        connection = open_connection(self._parameters)
        connection.autocommit = True
        try:
            _wait_for(connection, "pg_try_advisory_lock_shared", "waiting for a migration of the tables")
            if (layout := layout_version(connection)) != latest_layout():
                raise LayoutMismatch(layout_differs(connection.info.dbname, layout))
        except BaseException:
            connection.close()
            raise
        return connection

    def renew(self) -> None:
        """Take the lock again if its connection was lost."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("select 1")
        except psycopg2.Error:
            self._connection.close()
            self._connection = self._acquire()

    def release(self) -> None:
        """Release the lock."""
        with suppress(psycopg2.Error):
            self._connection.close()


_held: list[WorkLock] = []
_renewing = threading.RLock()


@contextmanager
def working(command: str) -> Iterator[None]:
    """Hold the shared lock while the block works on the warehouse; a migration waits for the block's end."""
    lock = WorkLock(command)
    _held.append(lock)
    try:
        yield
    finally:
        _held.remove(lock)
        lock.release()


def renew_held() -> None:
    """Take again what this process holds and lost together with the server; called once the server is up again."""
    with _renewing:
        for lock in list(_held):
            if lock.pid == os.getpid():  # a forked child shares the connection and must not use it
                lock.renew()


def wait_for_workers(connection: Connection) -> None:
    """Take the lock exclusively for as long as the connection lasts; report on stderr whom it waits for."""
    autocommit, connection.autocommit = connection.autocommit, True
    _wait_for(connection, "pg_try_advisory_lock", "a migration of the tables waits for commands to end")
    connection.autocommit = autocommit


def _wait_for(connection: Connection, function: str, message: str) -> None:
    reported: list[int] = []
    reported_at = 0.0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(f"select {function}(%s)", [KEY])
            if cursor.fetchone()[0]:  # type: ignore[index]
                return
            cursor.execute(HOLDERS, [KEY])
            holders = cursor.fetchall()
            pids = [pid for pid, _, _ in holders]
            if holders and (pids != reported or time.monotonic() - reported_at > REMIND_SECONDS):
                logger.warning("%s holders=%s", message, ", ".join(map(_describe, holders)))
                reported, reported_at = pids, time.monotonic()
            time.sleep(RETRY_SECONDS)


def _describe(holder: tuple[int, str, datetime | None]) -> str:
    pid, name, since = holder
    return f"{name} (server process {pid}{f', since {since:%F %T}' if since else ''})"
