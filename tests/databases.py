"""Databases of the tests' own on the embedded server, never the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from psycopg2 import sql

from warehouse.connection import connect, current_warehouse, forget, login_parameters, open_connection


@contextmanager
def fresh_database(prefix: str = "test") -> Iterator[str]:
    """Name a database that does not exist yet in PGDATABASE; drop it in the end."""
    from warehouse.connection import connection_parameters

    name, before = f"{prefix}_{uuid4().hex[:12]}", os.environ.get("PGDATABASE")
    os.environ["PGDATABASE"] = name
    try:
        connection_parameters("owner")
        yield name
    finally:
        _drop(name)
        if before is None:
            del os.environ["PGDATABASE"]
        else:
            os.environ["PGDATABASE"] = before


def _drop(name: str) -> None:
    forget()
    connection = open_connection(login_parameters(current_warehouse(), "owner", database="postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    connection.close()


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query, asked as the read-only login."""
    connection = connect("reader")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        found = cursor.fetchall()
    connection.close()
    return found
