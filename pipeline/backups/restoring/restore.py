"""Restores a backup into an empty warehouse: database, models and declarations, and checks that all of it came back.

1. Read the whole backup, and compare its files with those here: nothing is changed if one is broken, or in the way.
2. Mark the database, so that no other command works on it until the restore is complete. From here on, the same command
   completes what was interrupted: it begins with an empty database, and the backup's models, again.
3. Write declarations and models, fill the database, give the roles their tables, migrate an older layout.
4. Compare rows, books and marts with the manifest, verify the models, and compare some predictions with new ones.
5. Erase again what was erased after the backup was made. Only then the mark is removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg2.extensions import connection as Connection

from pipeline.backups.known import forget_all, know_backups
from pipeline.backups.manifest import Manifest
from pipeline.backups.restoring.checks import check_contents, require_balance, require_known_layout
from pipeline.backups.restoring.erasures import ErasedSince, erase_again, has_unfinished, read_erased_since
from pipeline.backups.restoring.files import (
    Choice,
    Comparison,
    compare_models,
    compare_project,
    require_no_other_models,
    write_files,
    write_models,
)
from pipeline.backups.restoring.loading import load_dump
from pipeline.backups.restoring.predictions import check_models
from pipeline.backups.verifying import verify_backup
from pipeline.erasing.erase import erase
from pipeline.errors import LogsOutdated, NotRetrained
from warehouse.connection import Warehouse, current_warehouse
from warehouse.restoring.database import complete_schemas, make_schemas, marked, opened_for_restore
from warehouse.restoring.mark import Mark, read_mark
from warehouse.runs import recorded_run
from waybill.ctrl_c import LINE, said_if_interrupted
from waybill.settings import relative_name
from waybill.text import counted

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What a user wants to restore.

    `log` is the log of erasures, None if nothing is to be erased again. `files` says which declarations to use where
    they differ. `command` completes the restore if it is interrupted. `is_unpacked` is true if the backup's folder is a
    temporary one.
    """

    backup: Path
    log: Path | None
    files: Choice | None = None
    command: str = "restore DIR"
    is_unpacked: bool = False

    @property
    def is_drill(self) -> bool:
        """True if the restore is only tried out: it changes nothing outside of the scratch server and its folder."""
        return self.files == "leave"


@dataclass
class Restored:
    """A backup that was restored: its folder, its manifest, the files that were written, and what was checked.

    `kept` are the declarations that differ from those of the backup, or are missing. `erased` says what was erased
    again.
    """

    backup: Path
    manifest: Manifest
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    seconds: float = 0.0


def restore_backup(request: Request, say: Say = lambda step: None) -> Restored:
    """Restore a backup into the warehouse that the settings name; `say` is called with each step.

    Raises:
        BackupBroken: the backup is not whole; nothing was changed.
        BackupRefused: it was made by a newer Waybill, or its log of erasures is missing; nothing was changed.
        RestoreRefused: the warehouse is not empty, or files are in the way; nothing was changed.
        EraseRefused: the secret of erasures is missing, or another one; nothing was changed.
        RestoreFailed, RestoreDiffers: the same command begins again.
    """
    started = time.monotonic()
    say(f"reading {relative_name(request.backup)}")
    result = Restored(request.backup, verify_backup(request.backup))  # 1.
    require_known_layout(request.backup, result.manifest)
    since = read_erased_since(request.log, result.manifest, writes_files=not request.is_drill)
    project, models = compare_project(request.backup, request.files), compare_models(request.backup)
    warehouse = current_warehouse()
    mark = Mark(request.command, result.manifest.backup_id, os.path.realpath(models.target))
    line = LINE if request.is_drill else "interrupted: the restore is not complete; run the same command again"
    with opened_for_restore(warehouse) as connection, said_if_interrupted(line), _begun(connection, mark, models):  # 2.
        _write_files(project, models, request.files, result)  # 3.
        say("restoring the database")
        _fill(warehouse, connection, result)
        say("comparing with the manifest")
        result.checked += check_contents(result.manifest, has_its_files=not result.kept)  # 4.
        result.checked += check_models()
        _erase_again(request, since, result, say)  # 5.
    result.seconds = time.monotonic() - started
    return result


@contextmanager
def _begun(connection: Connection, mark: Mark, models: Comparison) -> Iterator[None]:
    """Mark the database during the block, and beyond it if the block fails.

    Models that differ from the backup's may only be those of the same restore, which has changed them as it erased.
    """
    found = read_mark(connection)
    if found is None or (found.backup_id, found.models_folder) != (mark.backup_id, mark.models_folder):
        require_no_other_models(models)
    with marked(connection, mark):
        yield


def _write_files(project: Comparison, models: Comparison, choice: Choice | None, result: Restored) -> None:
    if choice != "leave":
        result.written += write_files(project, overwrites=choice == "take")
    result.written += write_models(models)
    result.kept += [name for name in (*project.missing, *project.different) if name not in result.written]


def _fill(warehouse: Warehouse, connection: Connection, result: Restored) -> None:
    granted = make_schemas(connection, warehouse, result.manifest.database.layout)
    load_dump(warehouse, result.backup, connection.server_version)
    complete_schemas(connection, warehouse, granted, result.manifest.made_at)


def _erase_again(request: Request, since: ErasedSince, result: Restored, say: Say) -> None:
    with recorded_run("restore") as run_id:
        if request.is_drill:
            forget_all()  # an erasure that is done again in a drill writes to no folder of backups
        elif not request.is_unpacked:
            know_backups(result.backup.parent, result.manifest.warehouse_id, run_id)
        erase_again(since, run_id)
        if not has_unfinished():
            return
        say("erasing again what was erased after the backup")
        try:
            for done in erase(None):
                documents = counted(done.recorded.documents, "document")
                result.erased.append(f"{documents} of {done.recorded.source}, erasure {done.recorded.erasure_id}")
        except (NotRetrained, LogsOutdated) as error:  # the models are refused: the rest of the warehouse can be used
            result.erased.append(f"not complete: {error}")
        require_balance()
