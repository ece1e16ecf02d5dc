"""The advisory locks that a command holds while it works on the warehouse.

All commands share one, so that migrations wait for them. Each recorded run has another one for itself: if it is free,
its process has ended. A command that notices this, on any host, closes the run in the ledger. One more is the lock for
runs: a run, an undo or a stage that writes raw tables or marts holds it alone, other stages hold it together, each
stage once.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID
from zlib import crc32

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.connecting.session import session_options
from warehouse.connection import connection_parameters, open_connection, when_not_busy
from warehouse.errors import LayoutMismatch, RunInProgress
from warehouse.migrations.layouts import latest_layout, layout_differs, layout_version
from warehouse.migrations.workers import held_locks, lock_holders, wait_for_lock
from waybill.project.pending_change import require_none_pending
from waybill.settings import PROJECT

ENDED = "its process ended without recording an outcome"
RUN_KEY = 0x57415952  # the seed of the keys of runs
ONLY_RUN_KEY = 0x57415952
STAGES_KEY = 0x57415953  # the first half of the keys of stages
TAKE_ALONE = "pg_try_advisory_lock"
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


class _Lock:
    """Locks on a separate connection, which are taken again after the server was away."""

    def __init__(self, command: str) -> None:
        """Take the locks; `command` is how others that wait for them, or are refused, name their holder."""
        self._parameters = {
            **connection_parameters("loader"),
            "application_name": f"waybill {command}"[:63],
            "options": session_options(**OPTIONS),
            "keepalives_idle": "60",
        }
        self.pid = os.getpid()
        self._connection = self._acquire(is_renewal=False)

    def _take(self, connection: Connection, *, is_renewal: bool) -> None:
        raise NotImplementedError

    def _acquire(self, *, is_renewal: bool) -> Connection:
        connection = when_not_busy(lambda: open_connection(self._parameters))
        connection.autocommit = True
        try:
            self._take(connection, is_renewal=is_renewal)
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
            self._connection = self._acquire(is_renewal=True)

    def release(self) -> None:
        """Release the locks."""
        _unlock(self._connection)
        self._connection.close()


class WorkLock(_Lock):
    """The locks of a command that works on the warehouse."""

    def __init__(self, command: str, run_id: UUID | None = None) -> None:
        """Take the locks; `command` is how a waiting migration names their holder.

        Raises:
            ChangePending: a command that changes the project's files is at work or was interrupted.
            LayoutMismatch: a newer Waybill has migrated the tables.
            ServerUnreachable: see `warehouse.errors`.
        """
        self._run_id = str(run_id) if run_id else None
        super().__init__(command)

    def _take(self, connection: Connection, *, is_renewal: bool) -> None:
        wait_for_lock(connection, "pg_try_advisory_lock_shared", "waiting for a migration of the tables")
        require_none_pending(PROJECT)
        if (layout := layout_version(connection)) != latest_layout():
            raise LayoutMismatch(layout_differs(connection.info.dbname, layout))
        with connection.cursor() as cursor:
            close_ended_runs(cursor)
            if self._run_id:
                cursor.execute(LOCK_RUN, [self._run_id, RUN_KEY])
                cursor.execute(REOPEN_RUN, [self._run_id, ENDED])  # closed while the connection was lost


class RunLock(_Lock):
    """The database's lock for runs, and one for each stage that runs beside others."""

    def __init__(self, command: str, beside: Collection[str] = (), *, waits: bool = False) -> None:
        """Take the lock alone or, for the stages `beside`, together with other stages; `waits` waits for its turn.

        Raises:
            RunInProgress: another command holds one of the locks.
        """
        function = "pg_try_advisory_lock_shared" if beside else TAKE_ALONE
        keys = [STAGES_KEY << 32 | crc32(stage.encode()) for stage in sorted(set(beside))]  # one order: no deadlock
        self._wanted = [(function, ONLY_RUN_KEY), *((TAKE_ALONE, key) for key in keys)]
        self._waits = waits
        super().__init__(command)

    def _take(self, connection: Connection, *, is_renewal: bool) -> None:
        for function, key in self._wanted:
            if self._waits or is_renewal:  # the server may still have the lost connection, or another run began
                wait_for_lock(connection, function, "waiting for another run to end", key)
            else:
                _take_or_refuse(connection, function, key)


def close_ended_runs(cursor: Cursor) -> None:
    """Record as failed the runs whose processes have ended without recording it, e.g. after kill -9."""
    cursor.execute(CLOSE_ENDED_RUNS, [ENDED, RUN_KEY])


@contextmanager
def working(command: str, run_id: UUID | None = None) -> Iterator[None]:
    """Hold the locks while the block works on the warehouse; a migration waits for the block's end."""
    with _held(WorkLock(command, run_id)):
        yield


@contextmanager
def only_run(command: str = "run", *, waits: bool = False) -> Iterator[None]:
    """Hold the database's lock for runs alone during the block. The server releases the lock of a dead process.

    Raises:
        RunInProgress: a run, a stage or an undo holds it, and the caller does not wait.
    """
    with _held(RunLock(command, waits=waits)):
        yield


@contextmanager
def run_beside(command: str, stages: Collection[str], *, waits: bool = False) -> Iterator[None]:
    """Hold the database's lock for runs during the block, together with other stages that change no raw table or mart.

    Raises:
        RunInProgress: a run or an undo holds it, or one of the stages is running, and the caller does not wait.
    """
    with _held(RunLock(command, stages, waits=waits)):
        yield


@contextmanager
def _held(lock: _Lock) -> Iterator[None]:
    held_locks.append(lock)
    try:
        yield
    finally:
        held_locks.remove(lock)
        lock.release()


@contextmanager
def only_run_on(connection: Connection) -> Iterator[None]:
    """Hold the database's lock for runs alone during the block, on a connection that may be to an empty database.

    Raises:
        RunInProgress: a run, a stage or an undo holds it.
    """
    connection.autocommit = True
    _take_or_refuse(connection, TAKE_ALONE, ONLY_RUN_KEY)
    try:
        yield
    finally:
        _unlock(connection)


def _unlock(connection: Connection) -> None:
    """Release a connection's locks before it is closed: the server ends a closed connection a moment later."""
    with suppress(psycopg2.Error), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_unlock_all()")


def _take_or_refuse(connection: Connection, function: str, key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}(%s)", [key])
        if not cursor.fetchone()[0]:  # type: ignore[index]
            holders = ", ".join(lock_holders(cursor, key)) or "it has just ended"
            raise RunInProgress(
                f"another run or undo is at work on this database ({holders}): wait for its end, then run again"
            )
