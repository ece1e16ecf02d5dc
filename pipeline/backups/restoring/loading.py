"""Runs pg_restore, which fills the empty schemas of a database from a dump, in parallel."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.backups.errors import RestoreFailed
from pipeline.backups.folders import DATABASE
from pipeline.backups.programs import jobs, raise_if_full, started
from warehouse.connection import TRANSACTION_TIMEOUT_VERSION, Warehouse
from warehouse.migrations.layouts import SCHEMAS
from warehouse.restoring.mark import PROGRAMS
from waybill.cli import shown_command
from waybill.settings import relative_name

# pg_restore sets it on every server, and PostgreSQL 16 does not know it.
UNKNOWN_TIMEOUT = 'unrecognized configuration parameter "transaction_timeout"'
FAILED = re.compile("^pg_restore: (?:error|fatal|detail): (.*)", re.MULTILINE)


def load_dump(warehouse: Warehouse, backup: Path, server_version: int) -> None:
    """Fill the schemas, which exist and are empty, from the dump of a backup; `server_version` is the server's.

    Raises:
        RestoreFailed: pg_restore failed; the message has its first error.
        OSError: the disk of the server is full.
    """
    stops = server_version >= TRANSACTION_TIMEOUT_VERSION  # at the first error
    arguments = _arguments(warehouse, stops=stops)
    with started(warehouse, PROGRAMS, "pg_restore", [*arguments, str(backup / DATABASE)]) as program:
        code = program.wait()
        output = program.errors()
    found = [error for error in FAILED.findall(output) if UNKNOWN_TIMEOUT not in error]
    if not found and (not code or (not stops and UNKNOWN_TIMEOUT in output)):
        return
    raise_if_full(output, warehouse.server.data if warehouse.server else warehouse.description)
    reason = [*found, *output.splitlines(), "it gave no reason"][0]
    raise RestoreFailed(
        f"pg_restore stopped: {reason}; fix it, then run `{shown_command(f'restore {relative_name(backup)}')}` again, "
        "which begins with an empty database"
    )


def _arguments(warehouse: Warehouse, *, stops: bool) -> list[str]:
    return [
        f"--dbname={warehouse.settings.pgdatabase}",
        f"--jobs={jobs()}",
        "--no-owner",  # owners and rights are those of this server's logins
        "--no-privileges",
        "--no-password",
        *(["--exit-on-error"] if stops else []),
        *(f"--schema={schema}" for schema in SCHEMAS),
    ]
