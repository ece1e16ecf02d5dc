"""Other roads from the same file into PostgreSQL: psql here, dlt and duckdb in an environment made for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.databases import address
from warehouse.connection import current_warehouse
from waybill.settings import get_settings

PACKAGES = [
    "dlt[postgres]==1.31.0",
    "duckdb==1.5.5",
    "duckdb-extensions",
    "duckdb-extension-postgres-scanner==1.5.5",
]
COPY = r"\copy {} (document) from '{}' with (format csv, delimiter E'\x01', quote E'\x02')"
LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def psql_copy(parameters: dict[str, str], file: Path) -> float:
    """Return the seconds of `psql \\copy` of the lines, untouched, into one jsonb column; its start-up is in them."""
    _psql(parameters, "drop table if exists plain; create table plain (document jsonb)")
    started = time.monotonic()
    _psql(parameters, COPY.format("plain", file))
    return time.monotonic() - started


def make_environment(name: str = "benchmark-peers", packages: list[str] = PACKAGES) -> Path | None:
    """Make the peers' environment once; None when their packages cannot be had."""
    folder = get_settings().state_folder / name
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages]
    if subprocess.run(install, check=False).returncode:
        return None
    (folder / "complete").touch()
    return python


def dlt(python: Path, parameters: dict[str, str], file: Path) -> dict[str, Any]:
    """Return seconds and version of dlt loading the file in its fastest way."""
    with tempfile.TemporaryDirectory() as state:
        return _peer(python, {"BENCH_ADDRESS": address(parameters)}, "dlt_load.py", str(file), state)


def duckdb(python: Path, parameters: dict[str, str], file: Path) -> dict[str, Any]:
    """Return seconds and version of duckdb writing the lines into one jsonb column."""
    _psql(parameters, "drop table if exists duckdb_flights; create table duckdb_flights (document jsonb)")
    return _peer(python, _variables(parameters), "peer_duckdb.py", str(file))


def _variables(parameters: dict[str, str]) -> dict[str, str]:
    return {LIBPQ[name]: value for name, value in parameters.items() if name in LIBPQ}


def _peer(python: Path, variables: dict[str, str], script: str, *arguments: str) -> dict[str, Any]:
    state = get_settings().state_folder / "benchmark-peers"
    environment = {
        **os.environ,
        **variables,
        "HOME": str(state),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    command = [str(python), str(Path(__file__).with_name(script)), *arguments]
    done = subprocess.run(command, env=environment, cwd=state, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _psql(parameters: dict[str, str], command: str) -> None:
    place = current_warehouse().place
    program = str(place.binaries / "psql") if place else "psql"
    subprocess.run(
        [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "set client_min_messages = warning", "-c", command],
        env={**os.environ, **_variables(parameters)},
        check=True,
    )
