"""Judges all rules in one look at the warehouse, the broker and the disks. Nothing is written, trained or loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg2
from psycopg2 import errorcodes
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pipeline.alerts.alert import RULES, Found, together, unjudged
from pipeline.alerts.consumers import RULES as CONSUMER_RULES
from pipeline.alerts.consumers import judge_consumers
from pipeline.alerts.disks import judge_disks
from pipeline.alerts.models import judge_models
from pipeline.alerts.runs.at_work import find_work
from pipeline.alerts.runs.ends import Ends, judge_ends, judge_last_run
from pipeline.alerts.runs.failures import judge_failures
from pipeline.alerts.sources import judge_books, judge_freshness, judge_rejects
from pipeline.alerts.warehouse import open_to_look, warehouse_alert
from warehouse.connection import Warehouse, current_warehouse
from warehouse.errors import WarehouseError
from waybill.errors import WaybillError

NEED_WAREHOUSE = tuple(rule for rule in RULES if rule not in ("warehouse_away", "disk_nearly_full"))
NEED_SETTLED_MARTS = ("books_unbalanced", "model_stale", "model_drift")
CHANGED_MEANWHILE = (errorcodes.LOCK_NOT_AVAILABLE, errorcodes.QUERY_CANCELED, errorcodes.UNDEFINED_TABLE)
DATABASE_ERRORS = (WarehouseError, DBAPIError, psycopg2.Error)  # they end the transaction of all rules


def judge() -> Found:
    """Return what needs attention now, the most urgent first; a server that is away is an alert, too.

    Marts and models are not judged while a run is at work or after one that failed: the books of a run that was
    interrupted cannot balance, and its models cannot be up to date. A rule that fails, such as one that needs a
    declaration with a mistake, is not judged, and all others are.
    """
    warehouse = current_warehouse()
    server = [warehouse.server.data] if warehouse.server else []
    disks = _tried(("disk_nearly_full",), lambda: judge_disks(warehouse.settings, server))
    try:
        with open_to_look(warehouse) as connection:
            found = _judge_warehouse(connection, warehouse)
    except DATABASE_ERRORS as error:
        not_judged = dict.fromkeys(NEED_WAREHOUSE, "the warehouse cannot be read")
        found = Found([warehouse_alert(warehouse, error)], not_judged, refusal=error)
    return together([disks, found])


def _judge_warehouse(connection: Connection | None, warehouse: Warehouse) -> Found:
    now, settings = datetime.now(UTC), warehouse.settings
    if connection is None:
        return _tried(("no_run",), lambda: judge_last_run(Ends(), settings, now))
    failures = _tried(("run_failed",), lambda: judge_failures(connection))
    unsettled = find_work(connection) or ("the last run failed" if failures.alerts else "")
    found = [
        failures,
        _tried(("no_run",), lambda: judge_ends(connection, settings, now, has_failed=bool(failures.alerts))),
        _tried(("rejects",), lambda: judge_rejects(connection, settings)),
        _tried(("source_not_fresh",), lambda: judge_freshness(connection, now)),
        _tried(CONSUMER_RULES, lambda: judge_consumers(connection, settings, now)),
        unjudged(NEED_SETTLED_MARTS, unsettled) if unsettled else _judge_marts(connection),
    ]
    return together(found)


def _tried(rules: tuple[str, ...], judge_rules: Callable[[], Found]) -> Found:
    """Return what rules find. If they fail, they are broken, and not judged.

    Raises:
        WarehouseError, DBAPIError, psycopg2.Error: the warehouse cannot be read.
    """
    try:
        return judge_rules()
    except DATABASE_ERRORS:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, WaybillError | OSError) else f"{type(error).__name__}: {error}"
        return Found(not_judged=dict.fromkeys(rules, reason), broken=rules)


def _judge_marts(connection: Connection) -> Found:
    """Judge books and models, unless a run that has just begun changes their tables. It is the last look."""
    try:
        books = _tried(("books_unbalanced",), lambda: judge_books(connection))
        return together([books, _tried(("model_stale", "model_drift"), lambda: judge_models(connection))])
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) not in CHANGED_MEANWHILE:
            raise
        return unjudged(NEED_SETTLED_MARTS, str(error.orig).partition("\n")[0])
