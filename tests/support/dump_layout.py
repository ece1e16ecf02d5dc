"""Makes a fixture of the current layout: dumps a database of the embedded server to `tests/fixtures/layouts/`.

Run `make demo` first, then `python -m tests.support.dump_layout waybill_demo`, at the last commit of the
layout that the next migration starts from.
"""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
from pathlib import Path

from warehouse.connection import current_warehouse, login_parameters, open_connection

FOLDER = Path(__file__).parents[1] / "fixtures" / "layouts"
MAX_BYTES = 102_400


def dump(database: str) -> Path:
    """Write owners, grants, tables and rows of a database as compressed SQL; return the file."""
    paths = current_warehouse().server
    assert paths, "unset PGHOST: fixtures are made on the embedded server"
    login = login_parameters(current_warehouse(), "owner", database=database)
    connection = open_connection(login)
    with connection, connection.cursor() as cursor:
        cursor.execute("select max(version) from ledger.layout")
        (layout,) = cursor.fetchone() or (None,)
    connection.close()
    command = [paths.binaries / "pg_dump", "-h", login["host"], "-U", login["user"], database]
    sql = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PGCLIENTENCODING": "UTF8"})
    path = FOLDER / f"layout_{layout}.sql.xz"
    path.write_bytes(lzma.compress(sql.stdout, preset=9 | lzma.PRESET_EXTREME))
    assert path.stat().st_size < MAX_BYTES, f"{path} is too large for the repository"
    return path


if __name__ == "__main__":
    print(dump(sys.argv[1]))
