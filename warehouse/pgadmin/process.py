"""Starts and stops pgAdmin, which keeps running when the command that started it ends."""

from __future__ import annotations

import os
import subprocess
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from warehouse.pgadmin.errors import NotInstalled, NotStarted
from warehouse.pgadmin.paths import PgAdminPaths, new_key
from waybill.background_processes import (
    LOOPBACK,
    BackgroundProcess,
    accepts_connections,
    find_running,
    remember,
    wait_until_ready,
)
from waybill.background_processes import stop as stop_process

START_SECONDS = 120


def address(found: BackgroundProcess) -> str:
    """Return the address to open; the key in it grants access."""
    return f"http://{LOOPBACK}:{found.details['port']}/?key={found.details['key']}"


def find_running_pgadmin(paths: PgAdminPaths) -> BackgroundProcess | None:
    """Return the pgAdmin that was started last if it is still running."""
    return find_running(paths.state)


def start(paths: PgAdminPaths, port: int, *, import_servers: bool) -> BackgroundProcess:
    """Start pgAdmin and wait until it answers. Its key is in no command line and in no log.

    Raises:
        NotInstalled, NotStarted: see `warehouse.pgadmin.errors`.
    """
    package = _package(paths)
    if accepts_connections(port):
        raise NotStarted(f"port {port} of {LOOPBACK} is in use: set another one in WAYBILL_PGADMIN_PORT")
    key = new_key()
    variables = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    variables |= {"CONFIG_DISTRO_FILE_PATH": str(paths.configuration), "PGADMIN_SERVER_MODE": "OFF"}
    python = [str(paths.python), "-I"]
    if import_servers:
        _import_servers(paths, [*python, str(package / "setup.py")], variables)
    with paths.log.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*python, str(package / "pgAdmin4.py")],
            env={**variables, "PGADMIN_INT_PORT": str(port), "PGADMIN_INT_KEY": key},
            cwd=paths.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    found = remember(paths.state, process.pid, port=port, key=key)
    if wait_until_ready(process, lambda: _answers(found), START_SECONDS):
        return found
    stop(paths)
    raise NotStarted(f"pgAdmin did not start; its log {paths.log} has the cause")


def _import_servers(paths: PgAdminPaths, setup: list[str], variables: dict[str, str]) -> None:
    """Have pgAdmin create its own database if it is missing, and import the warehouse's address."""
    steps = [] if (paths.data / "pgadmin4.db").exists() else [["setup-db"]]
    for step in [*steps, ["load-servers", str(paths.servers), "--replace"]]:
        result = subprocess.run(
            [*setup, *step], env=variables, cwd=paths.home, capture_output=True, text=True, check=False
        )
        with paths.log.open("a", encoding="utf-8") as log:
            log.write(result.stdout + result.stderr)
    if " 1 Server(s)" not in result.stdout:  # its exit code is 0 even if it failed
        paths.servers.unlink()  # the next start imports it again
        raise NotStarted(f"pgAdmin did not import the warehouse's address; its log {paths.log} has the cause")


def stop(paths: PgAdminPaths) -> bool:
    """Stop pgAdmin, by force if it does not end by itself; return whether it was running."""
    was_running = stop_process(paths.state)
    paths.state.unlink(missing_ok=True)
    return was_running


def _package(paths: PgAdminPaths) -> Path:
    found = sorted(paths.python.parents[1].glob("lib/python3*/site-packages/pgadmin4"))
    if not found:
        raise NotInstalled("pgAdmin is not installed: `make admin` installs it in its own environment")
    return found[0]


def _answers(found: BackgroundProcess) -> bool:
    connection = HTTPConnection(LOOPBACK, found.details["port"], timeout=5)
    try:
        connection.request("GET", f"/misc/ping?key={found.details['key']}")
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()
