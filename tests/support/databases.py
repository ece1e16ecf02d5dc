"""Databases and servers for tests; they never touch the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege, InvalidCatalogName

from warehouse import embedded
from warehouse.connection import (
    connect,
    connection_parameters,
    create_database,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
)
from warehouse.server_paths import ServerPaths
from waybill.settings import get_settings

KEPT = "new_warehouse"  # a database with all tables and no row
_existing: list[str] = []  # the databases of `fresh_database` that exist now, the newest one last
_dropped: set[str] = set()
# Settings that change a value somewhere if a connection does not set them itself, or stop a command.
HOSTILE_SETTINGS = {
    "TimeZone": "'Asia/Kolkata'",
    "timezone_abbreviations": "'India'",
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "-10",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "exit_on_error": "on",
    "search_path": "hostile, pg_catalog",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
}


@contextmanager
def fresh_database(prefix: str = "test", *, name: str = "") -> Iterator[str]:
    """Create a database and name it in PGDATABASE; drop it at the end.

    Then PGDATABASE names the one before it again. Fixtures may end in another order than they began: a name that was
    dropped in the meantime is not brought back.
    """
    name, before = name or f"{prefix}_{uuid4().hex[:12]}", os.environ.get("PGDATABASE")
    os.environ["PGDATABASE"] = name
    _dropped.discard(name)
    _existing.append(name)
    try:
        if get_settings().is_embedded:
            _copy_database(name)
        else:
            create_database(current_warehouse())
        connection_parameters("owner")
        yield name
    finally:
        try:
            drop_database(name)
        finally:
            _existing.remove(name)
            _dropped.add(name)
            _name_database_before(before)


def _name_database_before(before: str | None) -> None:
    if os.environ.get("PGDATABASE") in _existing:
        return  # a fixture that lives longer has named its own since
    wanted = next(reversed(_existing), None) if before in _dropped else before
    if wanted is None:
        os.environ.pop("PGDATABASE", None)
    else:
        os.environ["PGDATABASE"] = wanted


def _copy_database(name: str) -> None:
    """Create a database as a copy of the server's first one when it was new: the migrations take several times as long.

    Nobody can connect to the copy that is kept for this, so no command lists it.
    """
    copy = sql.SQL("create database {} template {}")
    try:
        execute_on_server(copy.format(sql.Identifier(name), sql.Identifier(KEPT)))
    except InvalidCatalogName:
        connection_parameters("owner")
        keep = copy.format(sql.Identifier(KEPT), sql.Identifier(name))
        execute_on_server(sql.SQL("{} allow_connections false").format(keep))


def drop_database(name: str) -> None:
    """Drop a database and end all its connections; restart the server if a test has killed it.

    An ordinary login may not end a worker of autovacuum that is busy there: wait for its end.
    """
    forget()
    drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    for _ in range(20):
        with suppress(InsufficientPrivilege):
            execute_on_server(drop)
            return
        time.sleep(0.5)
    execute_on_server(drop)


def execute_on_server(*statements: str | sql.Composed) -> None:
    """Execute statements in the database `postgres`; start the embedded server if it is down."""
    warehouse = current_warehouse()
    if warehouse.server:
        embedded.start(warehouse.server)
    with closing(open_connection(login_parameters(warehouse, "owner", database="postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query, run with the read-only login."""
    connection = connect("reader")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        found = cursor.fetchall()
    connection.close()
    return found


@contextmanager
def own_state() -> Iterator[Path]:
    """Create a state folder, like that of another clone, and name it in WAYBILL_STATE; remove it with its server."""
    folder = Path(tempfile.mkdtemp(prefix="waybill-test-"))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_STATE", str(folder))
        try:
            yield folder
        finally:
            if (folder / "postgres").exists():
                embedded.remove(current_server_paths())
            shutil.rmtree(folder)


@contextmanager
def own_server() -> Iterator[ServerPaths]:
    """Name a second embedded server, not started yet, in a new state folder."""
    with own_state():
        paths = current_server_paths()
        try:
            yield paths
        finally:
            embedded.remove(paths)


def current_server_paths() -> ServerPaths:
    """Return the paths of the embedded server that the environment names."""
    paths = current_warehouse().server
    assert paths is not None
    return paths


def end_other_sessions() -> None:
    """End all other sessions of the database, as a server that was killed does."""
    connection = connect("owner")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        )
    connection.close()
