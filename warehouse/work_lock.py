"""The advisory lock that a command holds (shared) while it works on the warehouse, so that migrations wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection as Connection

from warehouse.connecting.session import session_options
from warehouse.connection import connection_parameters, open_connection
from warehouse.errors import LayoutMismatch
from warehouse.migrations.layouts import latest_layout, layout_differs, layout_version
from warehouse.migrations.workers import held_locks, wait_for_lock


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
            "options": session_options(idle_session_timeout="0"),
            "keepalives_idle": "60",
        }
        self._connection = self._acquire()
        self.pid = os.getpid()

    def _acquire(self) -> Connection:
        connection = open_connection(self._parameters)
        connection.autocommit = True
        try:
            wait_for_lock(connection, "pg_try_advisory_lock_shared", "waiting for a migration of the tables")
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


@contextmanager
def working(command: str) -> Iterator[None]:
    """Hold the shared lock while the block works on the warehouse; a migration waits for the block's end."""
    lock = WorkLock(command)
    held_locks.append(lock)
    try:
        yield
    finally:
        held_locks.remove(lock)
        lock.release()
