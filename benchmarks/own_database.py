"""A database of the benchmark's own on the server that is configured, dropped in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from psycopg2 import sql

from warehouse.connection import connection_parameters, current_warehouse, forget, login_parameters, open_connection


@contextmanager
def own_database() -> Iterator[dict[str, str]]:
    """Name a fresh database in PGDATABASE; give the owner's connection parameters."""
    before, name = os.environ.get("PGDATABASE"), f"bench_{uuid4().hex[:12]}"
    os.environ["PGDATABASE"] = name
    forget()
    try:
        yield connection_parameters("owner")
    finally:
        forget()
        connection = open_connection(login_parameters(current_warehouse(), "owner", database="postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        connection.close()
        os.environ.pop("PGDATABASE")
        if before is not None:
            os.environ["PGDATABASE"] = before
