"""Creates, starts and stops the embedded PostgreSQL 18, which keeps running when the command that started it ends."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from pathlib import Path

import psutil
import psycopg2

from warehouse.connecting.refusals import reason_of
from warehouse.errors import DataFolderRefused, ServerBusy, ServerNotStarted, ServerNotStopped
from warehouse.server_paths import SOCKET_NAME, ServerPaths
from waybill.file_lock import file_lock

MAJOR_VERSION = "18"
OWNER = "waybill"
START_SECONDS = 30
STOP_SECONDS = 60
END_SECONDS = 5  # in which the processes of a server that was killed usually end
OLD_PROCESSES = "pre-existing shared memory"  # in the log while they still run
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
MIN_SHARED_MEMORY = 1024**3  # bytes
MIN_FREE_TO_START = 16 * 1024 * 1024  # bytes: one segment of the write-ahead log
FULL = "its disk is full: free some space and run the same command again"

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
recovery_init_sync_method = '{sync}'
jit = off
"""

logger = logging.getLogger(__name__)


def start(server: ServerPaths) -> bool:
    """Start the server unless it is running, creating its data folder the first time; return whether it was started.

    Two commands that start it at once take turns. After a crash PostgreSQL may need a few attempts.

    Raises:
        DataFolderRefused: the data folder belongs to another version or another user.
        ServerBusy: the server is running but accepts no connection now, or processes of a killed one are still ending.
        ServerNotStarted: the server did not start; the message ends with the last line of its log.
    """
    if accepts_connections(server):
        return False
    with file_lock(server.lock):
        refusal = find_refusal(server)
        if refusal is None:
            return False
        _check_data_folder(server)
        if not server.data.exists():
            _initialise(server)
        if not (server.socket / SOCKET_NAME).exists():
            stop(server)  # a running server cannot be reached: some machines empty /tmp
        if _pid(server) is not None:
            raise ServerBusy(f"PostgreSQL in {server.data} is running but accepts no connection: {refusal}")
        _remove_old_socket(server)
        _configure(server)
        return _start(server)


def _start(server: ServerPaths) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        outcome = server.command("pg_ctl", "-D", server.data, "-w", "-t", str(START_SECONDS), "-l", server.log, "start")
        if outcome.returncode == 0 and accepts_connections(server):
            logger.info("embedded server started folder=%s", server.data)
            return True
        if _pid(server) is not None:
            raise ServerBusy(f"PostgreSQL in {server.data} was started and is still recovering")
        if is_full(server):
            raise ServerNotStarted(f"PostgreSQL in {server.data} did not start, {FULL}")
        if OLD_PROCESSES in _last_log_line(server) and time.monotonic() > deadline - START_SECONDS + END_SECONDS:
            raise ServerBusy(f"PostgreSQL in {server.data} was killed, and some of its processes have not ended yet")
        time.sleep(0.5)
    raise ServerNotStarted(
        f"PostgreSQL in {server.data} did not start; its log {server.log} ends: {_last_log_line(server)}; "
        "fix the cause and run the same command again"
    )


def stop(server: ServerPaths, *, mode: str = "fast") -> bool:
    """Stop the server and its connections; return whether it was running.

    Raises:
        ServerNotStopped: it is still running after a minute, such as on a disk that does not answer.
    """
    if _pid(server) is None:
        return False
    limit = ("-w", "-t", str(STOP_SECONDS))
    is_stopped = server.command("pg_ctl", "-D", server.data, *limit, "-m", mode, "stop").returncode == 0
    if not is_stopped and _pid(server) is not None:
        raise ServerNotStopped(
            f"the embedded server in {server.data} has not stopped within {STOP_SECONDS} seconds: "
            f"run the same command again, and look at its log {server.log} if it does not help"
        )
    return is_stopped


def remove(server: ServerPaths) -> None:
    """Stop the server without writing anything more, and delete its data and socket folders.

    Raises:
        ServerNotStopped: it is still running; nothing was deleted, since it would remove the socket of the next server.
    """
    stop(server, mode="immediate")
    for folder in (server.socket, server.data.parent):
        shutil.rmtree(folder)


def accepts_connections(server: ServerPaths) -> bool:
    """Return whether the server accepts connections now."""
    return find_refusal(server) is None


def find_refusal(server: ServerPaths) -> str | None:
    """Return why the server accepts no connection, None if it does."""
    try:
        psycopg2.connect(host=str(server.socket), user=OWNER, dbname="postgres", connect_timeout=5).close()
    except psycopg2.OperationalError as error:
        return reason_of(error)
    return None


def is_full(server: ServerPaths) -> bool:
    """Return whether its disk has no room for a segment of the write-ahead log, without which it stops."""
    return server.data.exists() and shutil.disk_usage(server.data).free < MIN_FREE_TO_START


def advice(server: ServerPaths) -> str:
    """Return what to do about a server that has stopped since this command started it."""
    return FULL if is_full(server) else f"run the same command again, which starts it; its log is {server.log}"


def find_process(server: ServerPaths) -> psutil.Process | None:
    """Return the server's main process, the parent of all others; None if it is not running."""
    pid = _pid(server)
    try:
        return psutil.Process(pid) if pid else None
    except psutil.NoSuchProcess:
        return None


def _pid(server: ServerPaths) -> int | None:
    """Return the process id in the data folder if that process is the server, not one that was given its id later."""
    try:
        pid = int((server.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        is_server = not Path("/proc").exists() or Path(f"/proc/{pid}/cwd").samefile(server.data)
    except (OSError, ValueError):
        return None
    return pid if is_server else None


def _check_data_folder(server: ServerPaths) -> None:
    if not server.data.exists():
        return
    found = server.data.stat().st_uid
    if found != server.user.pw_uid:
        raise DataFolderRefused(
            f"{server.data} belongs to user id {found}, the server would run as {server.user.pw_name}: "
            "work as that user, or make your own clone"
        )
    version = (server.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if version != MAJOR_VERSION:
        raise DataFolderRefused(
            f"{server.data} belongs to PostgreSQL {version}, this is {MAJOR_VERSION}: "
            "move the folder elsewhere, then `make pipeline`"
        )


def _reason(output: str) -> str:
    """Return the lines of initdb that say why it failed; its last line says what it cleaned up."""
    lines = output.strip().splitlines()
    told = [line for line in lines if "error: " in line or "FATAL: " in line or "No space left" in line]
    return "; ".join(told or lines[-1:])


def _initialise(server: ServerPaths) -> None:
    """Create the data folder under a temporary name and rename it when it is complete."""
    partial = server.data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    made = server.command(
        "initdb", "-D", partial, "-U", OWNER, "--auth=peer", "-E", "UTF8", "--no-instructions",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
    )  # fmt: skip
    if made.returncode != 0:
        raise ServerNotStarted(f"initdb could not create {partial}: {_reason(made.stderr)}")
    (partial / "pg_hba.conf").write_text("local all all peer map=waybill\n", encoding="utf-8")
    names = dict.fromkeys([server.user.pw_name, "root" if os.geteuid() == 0 else server.user.pw_name])
    (partial / "pg_ident.conf").write_text("".join(f'waybill "{name}" all\n' for name in names), encoding="utf-8")
    with (partial / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write("\ninclude 'waybill.conf'\n")
    (partial / "waybill.conf").touch(mode=0o600)
    if os.geteuid() == 0:
        os.chown(partial / "waybill.conf", server.user.pw_uid, server.user.pw_gid)
    partial.rename(server.data)


def _configure(server: ServerPaths) -> None:
    """Write the settings if they have changed: the socket of a clone that was moved has another path."""
    socket = str(server.socket).replace("'", "''")
    wanted = CONFIGURATION.format(socket=socket, shared_memory=_shared_memory(), sync=_sync_method())
    path = server.data / "waybill.conf"
    if path.read_text(encoding="utf-8") != wanted:
        path.write_text(wanted, encoding="utf-8")


def _shared_memory() -> str:
    """Return the kind of memory that parallel workers share: not /dev/shm if it is as small as in most containers."""
    is_small = SHARED_MEMORY.exists() and shutil.disk_usage(SHARED_MEMORY).total < MIN_SHARED_MEMORY
    return "sysv" if is_small else "posix"


def _sync_method() -> str:
    """Return how the server brings its files to the disk after a crash: all at once, where the system can.

    One by one, the thousands of files of a few databases can take longer than a command waits.
    """
    return "syncfs" if sys.platform == "linux" else "fsync"


def _remove_old_socket(server: ServerPaths) -> None:
    """Remove the socket of a server that has ended: since a restart, another process may have its id."""
    for path in (server.socket / SOCKET_NAME, server.socket / f"{SOCKET_NAME}.lock"):
        path.unlink(missing_ok=True)


def _last_log_line(server: ServerPaths) -> str:
    if not server.log.exists():
        return "(no log)"
    lines = server.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["(empty log)"]
    causes = [line for line in lines[-20:] if "FATAL:" in line or "PANIC:" in line]
    return (causes or lines)[-1]
