"""Creates the benchmarks' own databases on the current server; the user's database is never touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote
from uuid import uuid4

from psycopg2 import sql

from warehouse.connection import (
    connection_parameters,
    create_database,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
)
from waybill.settings import get_settings


@contextmanager
def bench_database() -> Iterator[dict[str, str]]:
    """Name a new database in PGDATABASE, yield the libpq keywords of its owner, and drop it afterwards."""
    before = os.environ.get("PGDATABASE")
    name = os.environ["PGDATABASE"] = f"bench_{uuid4().hex[:12]}"
    try:
        if not get_settings().is_embedded:
            create_database(current_warehouse())
        yield connection_parameters("owner")
    finally:
        forget()
        connection = open_connection(login_parameters(current_warehouse(), "owner", database="postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        connection.close()
        if before is None:
            del os.environ["PGDATABASE"]
        else:
            os.environ["PGDATABASE"] = before


def database_url(login: dict[str, str]) -> str:
    """Return the login as a URL. It contains the password: pass it in a process's environment, not its arguments."""
    user, password, host = (quote(login.get(name, ""), safe="") for name in ("user", "password", "host"))
    return f"postgresql://{user}:{password or 'x'}@{host}:{login['port']}/{quote(login['dbname'], safe='')}"
