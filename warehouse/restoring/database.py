"""Prepares an empty database for a restore, and completes what pg_restore has filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from warehouse.connecting.session import check_replication_role, session_options
from warehouse.connection import (
    Warehouse,
    check_encoding,
    check_version,
    create_database,
    forget,
    login_parameters,
    open_connection,
    start_server,
)
from warehouse.errors import RestoreRefused
from warehouse.logins import ensure_logins
from warehouse.migrations.layouts import SCHEMAS, is_begun, latest_layout, layout_version
from warehouse.migrations.upgrade import upgrade
from warehouse.migrations.workers import KEY, MIGRATIONS_KEY, lock_migrations, wait_for_lock
from warehouse.restoring.mark import Mark, find_mark, only_restore, remove_mark, set_mark, working_on_marked
from warehouse.restoring.rights import Right, empty_schemas, give_rights
from warehouse.schema import drop_schemas, refuse_foreign_schemas
from warehouse.work_lock import OPTIONS
from waybill.cli import shown_command
from waybill.text import counted

# What a warehouse has before anything lands: its layout, and the commands that were run.
NO_DATA = ("ledger.layout", "ledger.alembic_version", "ledger.runs", "ledger.stage_runs", "ledger.stage_run_parts")
TABLES = """
select schemaname::text, tablename::text
from pg_tables
where schemaname = any(%s) and schemaname || '.' || tablename <> all(%s)
order by array_position(array['raw', 'ledger', 'marts', 'predictions'], schemaname::text), tablename
"""
END_RUNS = """
update ledger.runs set ended_at = %s, outcome = 'failed', detail = 'was at work when the backup was made'
where outcome = 'running'
"""
SHOWN = 3


@contextmanager
def opened_for_restore(warehouse: Warehouse) -> Iterator[Connection]:
    """Give the owner's connection to the database, as the only restore into it.

    The embedded server is started, and the database created, if they are missing.

    Raises:
        RestoreAtWork: another restore is at work.
        WarehouseError: the server cannot be started or reached, or has settings that Waybill does not work with.
    """
    start_server(warehouse)
    if warehouse.server:
        create_database(warehouse)
    connection = open_connection(
        {
            **login_parameters(warehouse, "owner"),
            "application_name": "waybill restore",
            "options": session_options(**OPTIONS),
            "keepalives_idle": "60",
        }
    )
    try:
        check_version(connection.server_version)
        check_encoding(connection.get_parameter_status("server_encoding"), warehouse)
        check_replication_role(connection)
        with only_restore(connection):
            yield connection
    finally:
        connection.close()


@contextmanager
def marked(connection: Connection, mark: Mark) -> Iterator[None]:
    """Mark the empty database as being restored, and unmark it if the block succeeds.

    What an interrupted restore has left there is dropped. During the block, only this process can work on the database.

    Raises:
        RestoreRefused: the database has data.
        LayoutMismatch: it has a schema of another program.
    """
    lock_migrations(connection)
    wait_for_lock(connection, "pg_try_advisory_lock", "the restore waits for commands to end")
    with working_on_marked():
        with connection, connection.cursor() as cursor:
            if find_mark(cursor) is None:
                _require_empty(connection, cursor)
            set_mark(cursor, mark)
            drop_schemas(cursor)
        with connection, connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(key) from unnest(%s) as key", [[KEY, MIGRATIONS_KEY]])
        forget()  # what this process has prepared before
        yield
        with connection, connection.cursor() as cursor:
            remove_mark(cursor)
    forget()


def make_schemas(connection: Connection, warehouse: Warehouse, layout: int) -> list[Right]:
    """Make logins and empty schemas as a new warehouse of a layout has them; return the rights that its tables had."""
    upgrade(connection, ensure_logins(connection, warehouse.settings), layout=layout)
    with connection, connection.cursor() as cursor:
        return empty_schemas(cursor)


def complete_schemas(connection: Connection, warehouse: Warehouse, granted: list[Right], made_at: str) -> None:
    """Give the restored tables to the roles, close the runs of that time, and migrate an older layout."""
    with connection, connection.cursor() as cursor:
        give_rights(cursor, granted)
        cursor.execute(END_RUNS, [made_at])
    if layout_version(connection) != latest_layout():
        upgrade(connection, ensure_logins(connection, warehouse.settings))


def _require_empty(connection: Connection, cursor: Cursor) -> None:
    name = connection.info.dbname
    if not is_begun(connection):
        refuse_foreign_schemas(connection, name)
        return
    cursor.execute(TABLES, [list(SCHEMAS), list(NO_DATA)])
    filled = [f"{schema}.{table}" for schema, table in cursor.fetchall() if _has_rows(cursor, schema, table)]
    if filled:
        more = f" and {len(filled) - SHOWN} more" if len(filled) > SHOWN else ""
        raise RestoreRefused(
            f"the database {name} is not empty, {counted(len(filled), 'table has', 'tables have')} rows: "
            f"{', '.join(filled[:SHOWN])}{more}; name an empty database in PGDATABASE, or empty this one with "
            f"`{shown_command('reset')}`; nothing was changed"
        )


def _has_rows(cursor: Cursor, schema: str, table: str) -> bool:
    cursor.execute(sql.SQL("select exists (select from {})").format(sql.Identifier(schema, table)))
    return cursor.fetchone()[0]  # type: ignore[index,no-any-return]
