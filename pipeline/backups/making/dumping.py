"""Runs pg_dump on the snapshot of another transaction, as the owner, in parallel."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from pipeline.backups.errors import BackupFailed, BackupRefused
from warehouse.connection import Warehouse, login_parameters
from warehouse.migrations.layouts import SCHEMAS
from warehouse.server_paths import installed_binaries
from waybill.background_processes import end_with_parent
from waybill.cli import shown_command

MAX_JOBS = 4
LOCK_TIMEOUT = "60s"  # for a table that another session has locked
FULL_DISK = "No space left on device"
STOP_SECONDS = 10
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "client_encoding": "PGCLIENTENCODING",
}


def pg_dump_version() -> str:
    """Return the version of pg_dump, such as 18.1."""
    ran = subprocess.run([_program(), "--version"], capture_output=True, text=True, check=True)
    return ran.stdout.split()[-1]


def require_readable(connection: Connection, pg_dump: str) -> None:
    """Check that pg_dump can read the server.

    Raises:
        BackupRefused: the server is newer.
    """
    server = str(connection.exec_driver_sql("show server_version").scalar_one()).split()[0]
    if int(server.partition(".")[0]) > int(pg_dump.partition(".")[0]):
        raise BackupRefused(
            f"the server is PostgreSQL {server}, and Waybill's pg_dump {pg_dump} reads no newer server than its own "
            "version: update Waybill"
        )


@contextmanager
def dumping(warehouse: Warehouse, snapshot: str, folder: Path) -> Iterator[None]:
    """Dump the warehouse's schemas to a folder while the block runs; wait for the end after it.

    `snapshot` is the exported snapshot of a transaction, which must stay open. If the block fails, pg_dump is ended; it
    ends as well if this process is killed.

    Raises:
        BackupFailed: pg_dump failed; the message has its last line.
        OSError: the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="waybill-") as private, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            _command(snapshot, folder),
            env=_environment(warehouse, Path(private)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=end_with_parent(),
        )
        try:
            yield
            code = process.wait()
        finally:
            _end(process)
        if code:
            errors.seek(0)
            _fail(errors.read().decode("utf-8", "backslashreplace"), folder)


def _program() -> str:
    return str(installed_binaries() / "pg_dump")


def _command(snapshot: str, folder: Path) -> list[str]:
    jobs = min(os.cpu_count() or 1, MAX_JOBS)
    return [
        _program(),
        "--format=directory",
        f"--file={folder}",
        f"--jobs={jobs}",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_TIMEOUT}",
        "--no-password",
        "--no-sync",  # each file is synced when its checksum is computed
        *(f"--schema={schema}" for schema in SCHEMAS),
    ]


def _environment(warehouse: Warehouse, private: Path) -> dict[str, str]:
    """Return the variables of libpq; the password is in a file that only this user can read."""
    parameters = login_parameters(warehouse, "owner")
    kept = {name: value for name, value in os.environ.items() if name != "PGPASSWORD"}
    chosen = {variable: parameters[keyword] for keyword, variable in VARIABLES.items() if keyword in parameters}
    if password := parameters.get("password"):
        passwords = private / "pgpass"
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        descriptor = os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{escaped}\n")
        chosen["PGPASSFILE"] = str(passwords)
    return {**kept, **chosen, "PGAPPNAME": "waybill backup", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End pg_dump, and with it its workers, unless it has ended."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _fail(output: str, folder: Path) -> None:
    if FULL_DISK in output:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    lines = [line for line in output.splitlines() if "error:" in line] or output.splitlines() or ["it gave no reason"]
    reason = lines[0].removeprefix("pg_dump: ").removeprefix("error: ")
    raise BackupFailed(
        f"pg_dump stopped: {reason}; what it had written was removed, older backups are intact: "
        f"run `{shown_command('backup')}` again"
    )
