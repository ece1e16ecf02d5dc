"""Starts and stops pgAdmin; it stays up when the command that started it ends."""

from __future__ import annotations

import os
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from warehouse.pgadmin.errors import NotInstalled, NotStarted
from warehouse.pgadmin.paths import PgAdminPaths, new_key
from waybill.background_processes import LOOPBACK, BackgroundProcess, accepts_connections, find_running, remember
from waybill.background_processes import stop as stop_process

START_SECONDS = 120


def address(found: BackgroundProcess) -> str:
    """Return the address to open; the key in it grants access."""
    return f"http://{LOOPBACK}:{found.details['port']}/?key={found.details['key']}"


def running(place: PgAdminPaths) -> BackgroundProcess | None:
    """Return the pgAdmin that was started last if it is still running."""
    return find_running(place.state)


def start(place: PgAdminPaths, port: int, *, import_servers: bool) -> BackgroundProcess:
    """Start pgAdmin and wait until it answers; its key is in no command line and in no log.

    Raises:
        NotInstalled, NotStarted: see `warehouse.pgadmin.errors`.
    """
    package = _package(place)
    if accepts_connections(port):
        raise NotStarted(f"port {port} of {LOOPBACK} is taken: name another in WAYBILL_PGADMIN_PORT")
    key = new_key()
    variables = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    variables |= {"CONFIG_DISTRO_FILE_PATH": str(place.configuration), "PGADMIN_SERVER_MODE": "OFF"}
    python = [str(place.python), "-I"]
    if import_servers:
        _import_servers(place, [*python, str(package / "setup.py")], variables)
    with place.log.open("a") as log:
        process = subprocess.Popen(
            [*python, str(package / "pgAdmin4.py")],
            env={**variables, "PGADMIN_INT_PORT": str(port), "PGADMIN_INT_KEY": key},
            cwd=place.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    found = remember(place.state, process.pid, port=port, key=key)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(found):
            process.returncode = 0  # it is left running, and nobody here waits for its end
            return found
        time.sleep(0.2)
    stop(place)
    raise NotStarted(f"pgAdmin did not come up; its log {place.log} tells why")


def _import_servers(place: PgAdminPaths, setup: list[str], variables: dict[str, str]) -> None:
    """Have pgAdmin make its own database when it has none, and take the warehouse's address into it."""
    steps = [] if (place.data / "pgadmin4.db").exists() else [["setup-db"]]
    for step in [*steps, ["load-servers", str(place.servers), "--replace"]]:
        said = subprocess.run(
            [*setup, *step], env=variables, cwd=place.home, capture_output=True, text=True, check=False
        )
        with place.log.open("a") as log:
            log.write(said.stdout + said.stderr)
    if " 1 Server(s)" not in said.stdout:  # it ends with 0 whatever happens
        place.servers.unlink()  # so that the next start tries again
        raise NotStarted(f"pgAdmin did not take the warehouse's address; its log {place.log} tells why")


def stop(place: PgAdminPaths) -> bool:
    """End pgAdmin, by force when it does not go by itself; return whether it ran."""
    was_running = stop_process(place.state)
    place.state.unlink(missing_ok=True)
    return was_running


def _package(place: PgAdminPaths) -> Path:
    found = sorted(place.python.parents[1].glob("lib/python3*/site-packages/pgadmin4"))
    if not found:
        raise NotInstalled("pgAdmin is not installed: `make admin` installs it in an environment of its own")
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
