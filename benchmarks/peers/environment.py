# waybill: sample
"""Runs the peers that load the same file: psql directly, dlt and duckdb in an environment made for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.databases import database_url
from warehouse.connection import current_warehouse
from waybill.settings import get_settings

PACKAGES = [
    "dlt[postgres]==1.31.0",
    "duckdb==1.5.5",
    "duckdb-extensions",
    "duckdb-extension-postgres-scanner==1.5.5",
]
COPY = r"\copy {} (document) from '{}' with (format csv, delimiter E'\x01', quote E'\x02')"
LIBPQ_VARIABLES = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
}  # fmt: skip


def psql_copy(parameters: dict[str, str], file: Path) -> float:
    """Return the seconds that `psql \\copy` takes for the unchanged lines into one jsonb column, start-up included."""
    _psql(parameters, "drop table if exists plain; create table plain (document jsonb)")
    started = time.monotonic()
    _psql(parameters, COPY.format("plain", file))
    return time.monotonic() - started


def make_environment(name: str = "benchmark-peers", packages: list[str] = PACKAGES) -> Path | None:
    """Create the peers' environment if it is missing and return its Python; None when packages cannot be installed."""
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
    """Return seconds and version of dlt loading the file in its fastest mode, or why it failed."""
    with tempfile.TemporaryDirectory() as state:
        return _run_peer(python, {"BENCH_DATABASE_URL": database_url(parameters)}, "dlt_load.py", str(file), state)


def duckdb(python: Path, parameters: dict[str, str], file: Path) -> dict[str, Any]:
    """Return seconds and version of duckdb writing the lines into one jsonb column, or why it failed."""
    _psql(parameters, "drop table if exists duckdb_flights; create table duckdb_flights (document jsonb)")
    return _run_peer(python, _libpq_variables(parameters), "duckdb_load.py", str(file))


def quix(python: Path, parameters: dict[str, str], topic: str, messages: int) -> dict[str, Any]:
    """Return seconds and version of Quix Streams' PostgreSQL sink, or why it failed."""
    login = {name: parameters.get(name, "") for name in ("host", "port", "dbname", "user", "password")}
    server = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    command = [str(python), str(_script("quix_sink.py")), server, topic, str(messages), json.dumps(login)]
    return _answer(subprocess.run(command, capture_output=True, text=True, check=False, timeout=600))


def _libpq_variables(parameters: dict[str, str]) -> dict[str, str]:
    return {LIBPQ_VARIABLES[name]: value for name, value in parameters.items() if name in LIBPQ_VARIABLES}


def _run_peer(python: Path, variables: dict[str, str], script: str, *arguments: str) -> dict[str, Any]:
    state = get_settings().state_folder / "benchmark-peers"
    environment = {
        **os.environ,
        **variables,
        "HOME": str(state),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    command = [str(python), str(_script(script)), *arguments]
    return _answer(subprocess.run(command, env=environment, cwd=state, capture_output=True, text=True, check=False))


def _script(name: str) -> Path:
    return Path(__file__).with_name(name)


def _answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON that a peer printed last, or the last line of its error under `failed`."""
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no error message"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _psql(parameters: dict[str, str], command: str) -> None:
    server = current_warehouse().server
    program = str(server.binaries / "psql") if server else "psql"
    subprocess.run(
        [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "set client_min_messages = warning", "-c", command],
        env={**os.environ, **_libpq_variables(parameters)},
        check=True,
    )
