"""Records in the ledger what was run, when, with which versions, and with which outcome."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from uuid import UUID

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from warehouse.connection import cursor_of
from warehouse.errors import WarehouseError
from warehouse.reconnecting import ReconnectingConnection
from warehouse.work_lock import working
from waybill.ctrl_c import received_signal
from waybill.identifiers import uuid7

PACKAGES = ("dbt-core", "great-expectations", "orjson", "jsonschema-rs", "psycopg2-binary", "scikit-learn")

FINISH = "update ledger.runs set ended_at = clock_timestamp(), outcome = %s, detail = %s where run_id = %s"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run's results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


@contextmanager
def recorded_run(command: str) -> Iterator[UUID]:
    """Record a run in the ledger, its start before the block, its end and outcome after it; hold the work locks.

    A run that was killed is recorded as failed by the next command. If the server cannot be reached at the start, the
    error is raised at once; if it is unavailable at the end of a run that succeeded, recording the end is retried.
    """
    run_id = uuid7()
    with working(command, run_id):
        with cursor_of("loader") as cursor:
            cursor.execute(
                "insert into ledger.runs (run_id, command, versions) values (%s, %s, %s)",
                [str(run_id), command, Json(versions())],
            )
        try:
            yield run_id
        except BaseException as error:
            is_signal = isinstance(error, KeyboardInterrupt)
            detail = f"interrupted by {received_signal()}" if is_signal else f"{type(error).__name__}: {error}"
            with suppress(psycopg2.Error, WarehouseError), cursor_of("loader") as cursor:  # the user has to see `error`
                cursor.execute(FINISH, ["failed", detail[:1000], str(run_id)])
            raise
        _record_success(run_id)


def _record_success(run_id: UUID) -> None:
    def update(connection: Connection) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute(FINISH, ["succeeded", None, str(run_id)])

    ledger = ReconnectingConnection("loader")
    try:
        ledger.run(update)
    finally:
        ledger.close()
