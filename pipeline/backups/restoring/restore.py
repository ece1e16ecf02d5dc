"""Restores a backup into an empty warehouse: database, models and declarations, and checks that all of it came back.

1. Read the whole backup, and compare its files with those here: nothing is changed if one is broken, or in the way.
2. Mark the database, so that no other command works on it until the restore is complete. From here on, the same command
   completes what was interrupted: it begins with an empty database again.
3. Write declarations and models, fill the database, give the roles their tables, migrate an older layout.
4. Compare rows, books and marts with the manifest.
5. Erase again what was erased after the backup was made.
6. Verify the models, and compare stored predictions with new ones. Only then the mark is removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from psycopg2.extensions import connection as Connection

from pipeline.backups.folders import MODELS, find_backup
from pipeline.backups.manifest import Manifest
from pipeline.backups.restoring.checks import check_contents, require_known_layout
from pipeline.backups.restoring.files import Choice, compare_models, compare_project, write_files
from pipeline.backups.restoring.loading import load_dump
from pipeline.backups.restoring.predictions import check_models
from pipeline.backups.verifying import verify_backup
from warehouse.connection import Warehouse, current_warehouse
from warehouse.restoring.database import complete_schemas, make_schemas, marked, opened_for_restore
from waybill.settings import relative_name

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What a user wants to restore; `files` says which declarations to use where they differ."""

    path: Path
    files: Choice | None = None
    command: str = "restore DIR"


@dataclass
class Restored:
    """A backup that was restored: its folder, its manifest, the files that were written, and what was checked."""

    backup: Path
    manifest: Manifest
    written: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    seconds: float = 0.0


def restore(request: Request, say: Say = lambda step: None) -> Restored:
    """Restore a backup into the warehouse that the settings name; `say` is called with each step.

    Raises:
        BackupBroken: the backup is not whole; nothing was changed.
        RestoreRefused: the warehouse is not empty, or files are in the way; nothing was changed.
        RestoreFailed, RestoreDiffers: the same command begins again.
    """
    started = time.monotonic()
    backup = find_backup(request.path)
    say(f"reading {relative_name(backup)}")
    result = Restored(backup, verify_backup(backup))  # 1.
    require_known_layout(backup, result.manifest)
    project, models = compare_project(backup, request.files), compare_models(backup)
    warehouse = current_warehouse()
    with opened_for_restore(warehouse) as connection, marked(connection, request.command):  # 2.
        result.written += write_files(project, overwrites=request.files == "take")  # 3.
        result.written += [f"{MODELS}/{name}" for name in write_files(models, overwrites=False)]
        _fill(warehouse, connection, result, say)
        say("comparing with the manifest")
        result.checked += check_contents(result.manifest)  # 4.
        result.checked += check_models()  # 6.
    result.seconds = time.monotonic() - started
    return result


def _fill(warehouse: Warehouse, connection: Connection, result: Restored, say: Say) -> None:
    say("restoring the database")
    granted = make_schemas(connection, warehouse, result.manifest.database.layout)
    load_dump(warehouse, result.backup, connection.server_version)
    complete_schemas(connection, warehouse, granted, result.manifest.made_at)
