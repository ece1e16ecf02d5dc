"""Opens the warehouse to look at it: nothing is started, created or written, and no lock is waited for long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine

from pipeline.alerts.alert import Alert
from warehouse import embedded
from warehouse.connecting.session import session_options
from warehouse.connection import Warehouse, database_names, login_parameters, open_connection, require_database
from warehouse.errors import LayoutMismatch, ServerAway
from warehouse.migrations.layouts import OLDEST_LAYOUT, latest_layout, layout_differs, layout_version
from waybill.cli import shown_command

CONNECT_SECONDS = "3"  # unless PGCONNECT_TIMEOUT is set
OPTIONS = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",  # all rules judge the same moment
    "lock_timeout": "2s",
    "statement_timeout": "30s",
}


@contextmanager
def open_to_look(warehouse: Warehouse) -> Iterator[Connection | None]:
    """Give a connection of the reader in one read-only transaction; None if nothing has ever been run here.

    Raises:
        WarehouseError: the server does not answer or refuses, or the tables have another layout.
    """
    if not _is_made(warehouse):
        yield None
        return
    parameters = {
        **login_parameters(warehouse, "reader"),
        "application_name": "waybill check",
        "connect_timeout": os.environ.get("PGCONNECT_TIMEOUT") or CONNECT_SECONDS,
        "options": session_options(**OPTIONS),
    }
    opened = create_engine("postgresql+psycopg2://", creator=lambda: open_connection(parameters), poolclass=NullPool)
    with opened.connect() as connection:
        yield connection if _has_tables(connection, warehouse) else None


def warehouse_alert(warehouse: Warehouse, error: Exception) -> Alert:
    """Return the alert for a warehouse that cannot be looked at, with the error's line."""
    is_stopped = warehouse.server is not None and embedded.find_process(warehouse.server) is None
    can_be_prepared = is_stopped or isinstance(error, LayoutMismatch)
    line = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return Alert(
        rule="warehouse_away",
        kind="database",
        name=warehouse.settings.pgdatabase,
        message=line or type(error).__name__,
        command=shown_command("up" if can_be_prepared else "status"),
    )


def _is_made(warehouse: Warehouse) -> bool:
    """Return whether there is a database; False only for an embedded one of the usual name that was not made yet.

    Raises:
        DatabaseMissing: the embedded server has no database of the name in PGDATABASE, which is not the usual one.
        ServerAway: the embedded server is not running, or accepts no connection.
    """
    server = warehouse.server
    if server is None:
        return True
    if not server.data.exists():
        return False
    if refusal := embedded.find_refusal(server):
        is_running = embedded.find_process(server) is not None
        state = f"is running and accepts no connection: {refusal}" if is_running else "is not running"
        raise ServerAway(f"the embedded PostgreSQL in {server.data} {state}")
    if warehouse.settings.pgdatabase in database_names(warehouse):
        return True
    require_database(warehouse)
    return False


def _has_tables(connection: Connection, warehouse: Warehouse) -> bool:
    """Return whether Waybill has made its tables in the database.

    Raises:
        LayoutMismatch: they have another layout than this version reads.
    """
    layout, known = layout_version(connection.connection.dbapi_connection), latest_layout()  # type: ignore[arg-type]
    if layout is not None and layout != known:
        name = warehouse.settings.pgdatabase
        if OLDEST_LAYOUT <= layout < known:
            raise LayoutMismatch(
                f"the database {name} has layout {layout}, and the next command migrates it to {known}"
            )
        raise LayoutMismatch(layout_differs(name, layout))
    return layout is not None
