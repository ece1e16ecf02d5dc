"""The embedded PostgreSQL 18: made, started and stopped here; it stays up when the command that started it ends."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

import psutil
import psycopg2

from warehouse.errors import DataFolderRefused, ServerNotStarted
from warehouse.server_paths import SOCKET_NAME, ServerPaths
from waybill.file_lock import file_lock

MAJOR_VERSION = "18"
OWNER = "waybill"
START_SECONDS = 30
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
ROOM_FOR_WORKERS = 1024**3  # bytes
ROOM_TO_START = 16 * 1024 * 1024  # bytes: one segment of its journal

CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = '256MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
dynamic_shared_memory_type = '{shared_memory}'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
wal_compression = 'pglz'
jit = off
"""

logger = logging.getLogger(__name__)


def start(place: ServerPaths) -> bool:
    """Bring the server up, making its data folder the first time; return whether it had to be started.

    Two commands that start at once take turns. After a crash PostgreSQL may need a few tries.

    Raises:
        DataFolderRefused: the folder is another version's or another user's.
        ServerNotStarted: it did not come up; the message ends with the log's last line.
    """
    if answers(place):
        return False
    with file_lock(place.lock):  # two commands that start the server at once take turns
        if answers(place):
            return False
        _check_data_folder(place)
        if not place.data.exists():
            _initialise(place)
        if not (place.socket / SOCKET_NAME).exists():
            stop(place)  # one that still runs was cut off: /tmp is swept on some machines
        if _number(place) is None:
            _sweep_socket(place)
        _configure(place)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            outcome = place.command(
                "pg_ctl", "-D", place.data, "-w", "-t", str(START_SECONDS), "-l", place.log, "start"
            )
            if outcome.returncode == 0 and answers(place):
                logger.info("embedded server started folder=%s", place.data)
                return True
            if shutil.disk_usage(place.data).free < ROOM_TO_START:
                raise ServerNotStarted(
                    f"PostgreSQL in {place.data} did not start, its disk is full: "
                    "free some space and run the same command again"
                )
            time.sleep(0.5)
    raise ServerNotStarted(
        f"PostgreSQL in {place.data} did not start; its log {place.log} ends: {_last_line(place)}; "
        "mend what it says and run the same command again"
    )


def stop(place: ServerPaths) -> bool:
    """Stop the server, connections included; return whether it was running."""
    return (
        _number(place) is not None
        and place.command("pg_ctl", "-D", place.data, "-w", "-m", "fast", "stop").returncode == 0
    )


def remove(place: ServerPaths) -> None:
    """Stop the server and delete its data, wherever they are."""
    stop(place)
    for folder in (place.socket, place.data.parent):
        shutil.rmtree(folder)


def answers(place: ServerPaths) -> bool:
    """Whether the server takes connections now."""
    try:
        psycopg2.connect(host=str(place.socket), user=OWNER, dbname="postgres", connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def process(place: ServerPaths) -> psutil.Process | None:
    """Return the server's first process, the parent of all others; None when it does not run."""
    number = _number(place)
    try:
        return psutil.Process(number) if number else None
    except psutil.NoSuchProcess:
        return None


def _number(place: ServerPaths) -> int | None:
    """Return the process that the data folder names, if it is its server and not one that got the number since."""
    try:
        number = int((place.data / "postmaster.pid").read_text().split("\n", 1)[0])
        is_it = not Path("/proc").exists() or Path(f"/proc/{number}/cwd").samefile(place.data)
    except (OSError, ValueError):
        return None
    return number if is_it else None


def _check_data_folder(place: ServerPaths) -> None:
    if not place.data.exists():
        return
    found = place.data.stat().st_uid
    if found != place.user.pw_uid:
        raise DataFolderRefused(
            f"{place.data} belongs to user id {found}, the server would run as {place.user.pw_name}: "
            "work as that user, or make a clone of your own"
        )
    version = (place.data / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise DataFolderRefused(
            f"{place.data} belongs to PostgreSQL {version}, this is {MAJOR_VERSION}: move it away, then `make pipeline`"
        )


def _initialise(place: ServerPaths) -> None:
    """Make the data folder beside its place and move it there when it is whole."""
    partial = place.data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    made = place.command(
        "initdb", "-D", partial, "-U", OWNER, "--auth=peer", "-E", "UTF8", "--no-instructions",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
    )  # fmt: skip
    if made.returncode != 0:
        raise ServerNotStarted(f"initdb could not make {partial}: {made.stderr.strip().splitlines()[-1]}")
    (partial / "pg_hba.conf").write_text("local all all peer map=waybill\n")
    names = dict.fromkeys([place.user.pw_name, "root" if os.geteuid() == 0 else place.user.pw_name])
    (partial / "pg_ident.conf").write_text("".join(f'waybill "{name}" all\n' for name in names))
    with (partial / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude 'waybill.conf'\n")
    (partial / "waybill.conf").touch(mode=0o600)
    if os.geteuid() == 0:
        os.chown(partial / "waybill.conf", place.user.pw_uid, place.user.pw_gid)
    partial.rename(place.data)


def _configure(place: ServerPaths) -> None:
    """Write the settings when they are others: a clone that was moved has its socket elsewhere."""
    socket = str(place.socket).replace("'", "''")
    wanted = CONFIGURATION.format(socket=socket, shared_memory=_shared_memory())
    path = place.data / "waybill.conf"
    if path.read_text() != wanted:
        path.write_text(wanted)


def _shared_memory() -> str:
    """Return where parallel workers meet: not in /dev/shm when it is as small as containers have it."""
    is_small = SHARED_MEMORY.exists() and shutil.disk_usage(SHARED_MEMORY).total < ROOM_FOR_WORKERS
    return "sysv" if is_small else "posix"


def _sweep_socket(place: ServerPaths) -> None:
    """Remove what a server that is gone left in its folder: its number may be another process's since a restart."""
    for path in (place.socket / SOCKET_NAME, place.socket / f"{SOCKET_NAME}.lock"):
        path.unlink(missing_ok=True)


def _last_line(place: ServerPaths) -> str:
    if not place.log.exists():
        return "(no log)"
    lines = place.log.read_text(errors="replace").strip().splitlines() or ["(empty log)"]
    causes = [line for line in lines[-20:] if "FATAL:" in line or "PANIC:" in line]
    return (causes or lines)[-1]
