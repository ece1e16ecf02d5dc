# waybill: sample
"""Writes JSON lines to PostgreSQL with duckdb's postgres extension. Runs in the peers' environment."""

from __future__ import annotations

import json
import sys
import time

import duckdb
from duckdb_extensions import import_extension


def main(path: str) -> None:
    """Copy the file's lines into the existing table `duckdb_flights (document jsonb)`; print the seconds as JSON.

    libpq's variables name the database. The start-up time is not counted.
    """
    import_extension("postgres_scanner")
    connection = duckdb.connect()
    connection.execute("load postgres_scanner")
    connection.execute("attach '' as warehouse (type postgres)")
    started = time.monotonic()
    connection.execute(
        "insert into warehouse.public.duckdb_flights select column0 from"
        " read_csv(?, delim = '\x01', quote = '', escape = '', header = false, columns = {'column0': 'varchar'})",
        [path],
    )
    print(json.dumps({"seconds": time.monotonic() - started, "version": duckdb.__version__}))


if __name__ == "__main__":
    main(sys.argv[1])
