"""Runs pg_dump on the snapshot of another transaction, as the owner, in parallel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from pipeline.backups.errors import BackupFailed, BackupRefused
from pipeline.backups.programs import jobs, raise_if_full, started
from warehouse.connection import Warehouse
from warehouse.migrations.layouts import SCHEMAS
from warehouse.server_paths import installed_binaries
from waybill.cli import shown_command

PG_DUMP = "pg_dump"
SESSION = "waybill backup"  # how PostgreSQL names its sessions
COMPRESSION = "gzip:3"  # less than half the CPU time of the usual level, for a sixth more bytes
LOCK_TIMEOUT = "60s"  # for a table that another session has locked


def pg_dump_version() -> str:
    """Return the version of pg_dump, such as 18.1."""
    ran = subprocess.run([str(installed_binaries() / PG_DUMP), "--version"], capture_output=True, text=True, check=True)
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
    with started(warehouse, SESSION, PG_DUMP, _arguments(snapshot, folder)) as program:
        yield
        code = program.wait()
        output = program.errors()
    if code:
        _fail(output, folder)


def _arguments(snapshot: str, folder: Path) -> list[str]:
    return [
        "--format=directory",
        f"--file={folder}",
        f"--jobs={jobs()}",
        f"--compress={COMPRESSION}",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_TIMEOUT}",
        "--no-password",
        "--no-sync",  # each file is synced when its checksum is computed
        *(f"--schema={schema}" for schema in SCHEMAS),
    ]


def _fail(output: str, folder: Path) -> None:
    raise_if_full(output, folder)
    lines = [line for line in output.splitlines() if "error:" in line] or output.splitlines() or ["it gave no reason"]
    reason = lines[0].removeprefix("pg_dump: ").removeprefix("error: ")
    raise BackupFailed(
        f"pg_dump stopped: {reason}; what it had written was removed, older backups are intact: "
        f"run `{shown_command('backup')}` again"
    )
