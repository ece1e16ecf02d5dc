"""Restores the dumps of former layouts that `tests/fixtures/layouts/` keeps."""

from __future__ import annotations

import gzip
import lzma
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.databases import drop_database
from warehouse import embedded
from warehouse.connection import create_database, current_warehouse, forget, login_parameters, open_connection
from warehouse.logins import ensure_logins

FOLDER = Path(__file__).parents[1] / "fixtures" / "layouts"


@contextmanager
def restored_layout(layout: int, name: str) -> Iterator[None]:
    """Restore a dump into a database and name it in PGDATABASE; drop it at the end. Nothing is migrated yet."""
    before = os.environ.get("PGDATABASE")
    os.environ["PGDATABASE"] = name
    forget()
    try:
        restore(layout)
        yield
    finally:
        drop_database(name)
        os.environ.pop("PGDATABASE")
        if before is not None:
            os.environ["PGDATABASE"] = before


def restore(layout: int) -> None:
    """Fill the database that PGDATABASE names, which does not exist yet, from a dump."""
    warehouse = current_warehouse()
    assert warehouse.server, "dumps name the logins of the embedded server"
    embedded.start(warehouse.server)
    create_database(warehouse)
    login = login_parameters(warehouse, "owner")
    connection = open_connection(login)
    ensure_logins(connection, warehouse.settings)
    connection.close()
    (path,) = FOLDER.glob(f"layout_{layout}.sql.*")
    decompress = lzma.decompress if path.suffix == ".xz" else gzip.decompress  # older ones are small enough with gzip
    dump = decompress(path.read_bytes())
    psql = [warehouse.server.binaries / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
    target = ["-h", login["host"], "-U", login["user"], login["dbname"]]
    subprocess.run([*psql, *target], input=dump, check=True)
