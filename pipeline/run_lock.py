"""The lock on a database that a run holds, so that two runs, or a run and a single stage, never mix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection as Connection

from pipeline.errors import RunRefused
from warehouse.connection import connect

KEY = 0x57415952  # of the advisory lock


@contextmanager
def only_run() -> Iterator[None]:
    """Hold the database's lock for runs during the block. The server releases the lock of a dead process.

    Raises:
        RunRefused: another run holds it.
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
        RunRefused: another run holds it.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [KEY])
        if not cursor.fetchone()[0]:  # type: ignore[index]
            raise RunRefused("another pipeline run is at work on this database: wait for its end, then run again")
