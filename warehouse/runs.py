"""Records in the ledger what was run, when, with which versions, and to what end."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from uuid import UUID

import psycopg2
from psycopg2.extras import Json

from warehouse.connection import connect, forget
from warehouse.errors import ServerNotStarted, ServerUnreachable, WarehouseError
from waybill.identifiers import uuid7

PACKAGES = ("dbt-core", "great-expectations", "orjson", "jsonschema-rs", "psycopg2-binary", "scikit-learn")
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)

logger = logging.getLogger(__name__)


@contextmanager
def recorded_run(command: str) -> Iterator[UUID]:
    """Write a run before the work and its end after it; a run that was killed stays `running`.

    A server that cannot be reached in the beginning is told at once; one that goes away in the end of a run that
    succeeded is waited for.
    """
    run_id = uuid7()
    versions = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    _execute(
        "insert into ledger.runs (run_id, command, versions) values (%s, %s, %s)",
        [str(run_id), command, Json(versions)],
    )
    try:
        yield run_id
    except BaseException as error:
        with suppress(psycopg2.Error, WarehouseError):  # a server that is gone is told by the error itself
            _finish(run_id, "failed", f"{type(error).__name__}: {error}"[:1000])
        raise
    _finish(run_id, "succeeded", None, PAUSES_SECONDS)


def _finish(run_id: UUID, outcome: str, detail: str | None, pauses: tuple[float, ...] = ()) -> None:
    _execute(
        "update ledger.runs set ended_at = clock_timestamp(), outcome = %s, detail = %s where run_id = %s",
        [outcome, detail, str(run_id)],
        pauses,
    )


def _execute(statement: str, values: list[object], pauses: tuple[float, ...] = ()) -> None:
    """Execute a statement; what is safe to do twice again after each pause when the server is gone meanwhile."""
    for pause in pauses:
        try:
            return _execute_once(statement, values)
        except (psycopg2.OperationalError, psycopg2.InterfaceError, ServerUnreachable, ServerNotStarted) as error:
            reason = " ".join(str(error).split())
            logger.warning("the run could not be recorded (%s), trying again seconds=%s", reason, pause)
            time.sleep(pause)
            forget()  # the server may have to be started anew
    return _execute_once(statement, values)


def _execute_once(statement: str, values: list[object]) -> None:
    connection = connect("loader")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
    finally:
        connection.close()
