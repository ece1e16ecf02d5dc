"""`python -m benchmarks.load`: one file of flights into raw, by the loader and by `psql \\copy`, in turn in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path
from uuid import uuid4

from psycopg2 import sql

from loader.load import load
from loader.plan import Request
from warehouse.connection import (
    connection_parameters,
    current_warehouse,
    forget,
    login_parameters,
    open_connection,
)
from warehouse.settings import get_settings

RUNS = 5
COPY = r"\copy plain (document) from '{}' with (format csv, delimiter E'\x01', quote E'\x02')"


def main() -> None:
    """Time both in databases of their own and print the medians and their ratio."""
    file = get_settings().raw_folder / "flights" / "flights-2013-01.ndjson"
    rows = sum(1 for _ in file.open("rb"))
    ours, theirs = zip(*[_pair(file) for _ in range(RUNS)], strict=True)
    loader, copy = statistics.median(ours), statistics.median(theirs)
    print(f"{rows:,} flight documents, {file.stat().st_size / 1e6:.0f} MB, medians of {RUNS}")
    print(f"loader (contract, fingerprint, ledger, rejects)  {rows / loader:>10,.0f} rows/s")
    print(f"psql \\copy into one jsonb column                 {rows / copy:>10,.0f} rows/s")
    print(f"ratio {copy / loader:.2f}")


def _pair(file: Path) -> tuple[float, float]:
    name = os.environ["PGDATABASE"] = f"bench_{uuid4().hex[:12]}"
    try:
        parameters = connection_parameters("owner")
        started = time.monotonic()
        load(Request(("flights",), (str(file),)))
        ours = time.monotonic() - started
        place = current_warehouse().place
        program = str(place.binaries / "psql") if place else "psql"
        environment = {**os.environ, "PGHOST": parameters["host"], "PGUSER": parameters.get("user", "")}
        psql = [program, "-q", "-c", "create table plain (document jsonb)", "-c", COPY.format(file)]
        started = time.monotonic()
        subprocess.run(psql, env=environment, check=True)
        return ours, time.monotonic() - started
    finally:
        forget()
        _drop(name)


def _drop(name: str) -> None:
    connection = open_connection(login_parameters(current_warehouse(), "owner", database="postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    connection.close()


if __name__ == "__main__":
    main()
