"""Empties the embedded server's log, and removes files of tables that a crash of the server has left in its folder."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path

from warehouse.connection import connect
from warehouse.server_paths import ServerPaths

TABLE_FILE = re.compile(r"(?P<node>[0-9]+)(_(fsm|vm|init))?(\.[0-9]+)?")
FILES = """
select
    (select oid from pg_database where datname = current_database()),
    extract(epoch from pg_postmaster_start_time())::float8,
    array(select pg_relation_filenode(oid) from pg_class where pg_relation_filenode(oid) is not null)
"""


def empty_server_log(server: ServerPaths) -> int:
    """Empty the log, which quotes the statements and rows of errors; return the number of bytes that it had.

    The server continues to write to the file: it only ever appends.
    """
    if not server.log.exists():
        return 0
    size = server.log.stat().st_size
    os.truncate(server.log, 0)
    return size


def remove_lost_files(server: ServerPaths) -> int:
    """Remove files of the current database that no table has and that are older than the server's start; count them.

    If the server is killed while it writes a new table, such as in a `vacuum full`, nothing removes that table's files.
    """
    with closing(connect("owner")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(FILES)
        database, started_at, nodes = cursor.fetchone()  # type: ignore[misc]
    lost = [
        path for path in _table_files(server.data / "base" / str(database), set(nodes)) if _is_older(path, started_at)
    ]
    for path in lost:
        path.unlink(missing_ok=True)
    return len(lost)


def _table_files(folder: Path, known: set[int]) -> list[Path]:
    """Return the files of tables in a database's folder, without those of known tables."""
    found = ((path, TABLE_FILE.fullmatch(path.name)) for path in folder.iterdir())
    return [path for path, name in found if name and int(name["node"]) not in known]


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:  # of a table that was dropped just now
        return False
