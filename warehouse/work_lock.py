"""The advisory locks that a command holds while it works on the warehouse.

All commands share one, so that migrations wait for them. Each recorded run has another one for itself: if it is free,
its process has ended. A command that notices this, on any host, closes the run in the ledger. One more is held by a run
that works on dbt's tables, or by an undo: there is only one at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.connecting.session import session_options
from warehouse.connection import connect, connection_parameters, open_connection, when_not_busy
from warehouse.errors import LayoutMismatch, RunInProgress
from warehouse.migrations.layouts import latest_layout, layout_differs, layout_version
from warehouse.migrations.workers import held_locks, lock_holders, wait_for_lock

ENDED = "its process ended without recording an outcome"
RUN_KEY = 0x57415952  # the seed of the keys of runs
ONLY_RUN_KEY = 0x57415952
LOCK_RUN = "select pg_advisory_lock(hashtextextended(%s::text, %s))"
CLOSE_ENDED_RUNS = """
update ledger.runs set ended_at = clock_timestamp(), outcome = 'failed', detail = %s
where outcome = 'running' and pg_try_advisory_xact_lock(hashtextextended(run_id::text, %s))
"""
REOPEN_RUN = (
    "update ledger.runs set ended_at = null, outcome = 'running', detail = null where run_id = %s and detail = %s"
)
# The server notices within two minutes that the host of a run has disappeared.
OPTIONS = {
    "idle_session_timeout": "0",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}


class WorkLock:
    """The locks of a command, on their own connection; taken again after the server was away."""

    def __init__(self, command: str, run_id: UUID | None = None) -> None:
        """Take the locks; `command` is how a waiting migration names their holder.

        Raises:
            LayoutMismatch: a newer Waybill has migrated the tables.
            ServerUnreachable: see `warehouse.errors`.
        """
        self._parameters = {
            **connection_parameters("loader"),
            "application_name": f"waybill {command}"[:63],
            "options": session_options(**OPTIONS),
            "keepalives_idle": "60",
        }
        self._run_id = str(run_id) if run_id else None
        self._connection = self._acquire()
        self.pid = os.getpid()

    def _acquire(self) -> Connection:
        connection = when_not_busy(lambda: open_connection(self._parameters))
        connection.autocommit = True
        try:
            wait_for_lock(connection, "pg_try_advisory_lock_shared", "waiting for a migration of the tables")
            if (layout := layout_version(connection)) != latest_layout():
                raise LayoutMismatch(layout_differs(connection.info.dbname, layout))
            with connection.cursor() as cursor:
                close_ended_runs(cursor)
                if self._run_id:
                    cursor.execute(LOCK_RUN, [self._run_id, RUN_KEY])
                    cursor.execute(REOPEN_RUN, [self._run_id, ENDED])  # closed while the connection was lost
        except BaseException:
            connection.close()
            raise
        return connection

    def renew(self) -> None:
        """Take the locks again if their connection was lost."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("select 1")
        except psycopg2.Error:
            self._connection.close()
            self._connection = self._acquire()

    def release(self) -> None:
        """Release the locks."""
        with suppress(psycopg2.Error):
            self._connection.close()


def close_ended_runs(cursor: Cursor) -> None:
    """Record as failed the runs whose processes have ended without recording it, e.g. after kill -9."""
    cursor.execute(CLOSE_ENDED_RUNS, [ENDED, RUN_KEY])


@contextmanager
def working(command: str, run_id: UUID | None = None) -> Iterator[None]:
    """Hold the locks while the block works on the warehouse; a migration waits for the block's end."""
    lock = WorkLock(command, run_id)
    held_locks.append(lock)
    try:
        yield
    finally:
        held_locks.remove(lock)
        lock.release()


@contextmanager
def only_run() -> Iterator[None]:
    """Hold the database's lock for runs during the block. The server releases the lock of a dead process.

    Raises:
        RunInProgress: a run or an undo holds it.
    """
    connection = connect("loader")
    try:
        take_run_lock(connection)
        yield
    finally:
        connection.close()


def take_run_lock(connection: Connection) -> None:
    """Take the database's lock for runs until the connection is closed.

    Raises:
        RunInProgress: a run or an undo holds it.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [ONLY_RUN_KEY])
        if not cursor.fetchone()[0]:  # type: ignore[index]
            holders = ", ".join(lock_holders(cursor, ONLY_RUN_KEY)) or "it has just ended"
            raise RunInProgress(
                f"another run or undo is at work on this database ({holders}): wait for its end, then run again"
            )
