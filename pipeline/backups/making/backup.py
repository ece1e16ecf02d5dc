"""Makes a backup of one moment, while intake continues: the database as of a snapshot, models and project files.

1. Write all into a partial folder, which the ledger knows before pg_dump starts. 2. Write the manifest, with the
checksum of every file, and make sure that all is on the disk. 3. Rename the folder: only now it is a backup. 4. Delete
older ones, if asked. 5. Write to the logs of erasures what they lack. A command that is killed before 3 leaves a
partial folder, which the next one removes.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import psycopg2
from sqlalchemy import text

from pipeline.backups.archive import write_archive
from pipeline.backups.contents import read_contents
from pipeline.backups.erasure_log import begin_log
from pipeline.backups.folders import DATABASE, MODELS, backup_name, partial_of
from pipeline.backups.known import forget_backup, record_backup
from pipeline.backups.making.destination import (
    PRIVATE,
    pipe_log_folder,
    prepare_folder,
    require_mounted,
    require_own,
    staging_folder,
)
from pipeline.backups.making.dumping import dumping, pg_dump_version, require_readable
from pipeline.backups.making.facts import read_database, read_warehouse_id
from pipeline.backups.making.keeping import delete_outdated, forget_missing, remove_leftovers
from pipeline.backups.making.models import copy_models, unchanged
from pipeline.backups.making.sealing import seal, sync_folder
from pipeline.backups.manifest import Manifest
from pipeline.backups.project_files import copy_project_files
from pipeline.erasing.finishing.backup_logs import update_logs
from warehouse.connection import Warehouse, current_warehouse, engine
from warehouse.errors import WarehouseError
from warehouse.runs import recorded_run, versions
from warehouse.work_lock import run_beside
from waybill.file_lock import file_lock
from waybill.identifiers import uuid7
from waybill.project.git import ask_git

COMMAND = "backup"
EXCLUDED = (COMMAND, "score")  # a second backup, and the stage that changes tables of predictions
SNAPSHOT = "select pg_export_snapshot() as name, now() as made_at"
REMOVE_TRIES, REMOVE_PAUSE_SECONDS = 50, 0.1
STAY = "set local idle_in_transaction_session_timeout = 0"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A backup that was made: its manifest, its folder (None: a pipe), the seconds, older backups that were deleted.

    `name` is that of a backup in a pipe. `outdated_logs` names folders of backups whose log may lack erasures.
    """

    manifest: Manifest
    folder: Path | None
    seconds: float
    deleted: list[Path] = field(default_factory=list)
    name: str = ""
    outdated_logs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    warehouse: Warehouse
    backup_id: UUID
    run_id: UUID
    warehouse_id: str
    pg_dump: str
    say: Say
    locks: ExitStack  # until the backup is complete


def back_up(folder: Path, *, keep: int | None = None, waits: bool = False, say: Say = lambda step: None) -> Made:
    """Make a backup in a folder, then delete all but the `keep` newest; `say` is called with each step.

    Raises:
        BackupRefused: the folder cannot take it, or the server is too new.
        BackupFailed: pg_dump stopped.
        RunInProgress: a run, an undo, an erasure or another backup is at work, and the caller does not wait.
        OSError: the disk is full, or a file cannot be read.
    """
    require_mounted(folder)
    folder, started = prepare_folder(folder, current_warehouse()), time.monotonic()
    with _job(waits, say) as job:
        require_own(folder, job.warehouse_id)
        if job.warehouse.settings.is_embedded:
            forget_missing()
        begin_log(folder)
        backup = folder / backup_name(datetime.now(UTC), job.backup_id)
        partial, manifest = _write(job, backup, backup)
        partial.rename(backup)  # 3.
        sync_folder(folder)
        deleted = delete_outdated(backup, job.warehouse_id, keep) if keep else []  # 4.
        outdated = update_logs()  # 5.
    return Made(manifest, backup, time.monotonic() - started, deleted, outdated_logs=outdated)


def stream_backup(output: IO[bytes], *, waits: bool = False, say: Say = lambda step: None) -> Made:
    """Write a backup to a pipe as a tar archive; it is first written to the state folder.

    Raises:
        BackupRefused, BackupFailed, RunInProgress, OSError: see `back_up`.
    """
    started = time.monotonic()
    with _job(waits, say) as job:
        name = backup_name(datetime.now(UTC), job.backup_id)
        partial, manifest = _write(job, staging_folder(job.warehouse.settings) / name, None)
        begin_log(pipe_log_folder(job.warehouse.settings))
        try:
            say("writing to the pipe")
            write_archive(partial, name, output)
        finally:
            shutil.rmtree(partial)
        outdated = update_logs()
    return Made(manifest, None, time.monotonic() - started, name=name, outdated_logs=outdated)


@contextmanager
def _job(waits: bool, say: Say) -> Iterator[_Job]:
    """Take the locks, record the run, and check that pg_dump can read the server."""
    with ExitStack() as stack:
        stack.enter_context(run_beside(COMMAND, EXCLUDED, waits=waits))
        run_id = stack.enter_context(recorded_run(COMMAND))
        with engine("owner").connect() as connection:
            pg_dump = pg_dump_version()
            require_readable(connection, pg_dump)
            warehouse_id = read_warehouse_id(connection)
        yield _Job(current_warehouse(), uuid7(), run_id, warehouse_id, pg_dump, say, stack)


def _write(job: _Job, backup: Path, known_as: Path | None) -> tuple[Path, Manifest]:
    """Write a complete backup into its partial folder; if that fails, remove and forget it."""
    remove_leftovers(backup.parent, job.warehouse_id)
    partial = partial_of(backup, job.warehouse_id)
    partial.mkdir(PRIVATE)
    job.locks.enter_context(file_lock(partial))  # it is not left over
    try:
        record_backup(job.backup_id, job.run_id, known_as)
        manifest = _copy(job, partial)  # 1.
        job.say("computing checksums")
        return partial, seal(partial, manifest)  # 2.
    except BaseException:
        remove_unfinished(partial)
        with suppress(psycopg2.Error, WarehouseError):  # the user has to see the first error
            forget_backup(job.backup_id)
        raise


def remove_unfinished(partial: Path) -> None:
    """Remove a folder into which workers of a pg_dump that was ended may write for a moment longer."""
    for _ in range(REMOVE_TRIES):
        shutil.rmtree(partial, ignore_errors=True)
        if not partial.exists():
            return
        time.sleep(REMOVE_PAUSE_SECONDS)


def _copy(job: _Job, partial: Path) -> Manifest:
    """Copy database, models and project files; return the manifest, which knows no files yet.

    The models are those of the snapshot: nobody changes them until they are copied.
    """
    models_folder = job.warehouse.settings.models_folder
    in_snapshot = engine("owner").connect().execution_options(isolation_level="REPEATABLE READ")
    with in_snapshot as connection, ExitStack() as locks:
        locks.enter_context(unchanged(models_folder))
        connection.exec_driver_sql(STAY)
        snapshot = connection.execute(text(SNAPSHOT)).mappings().one()
        job.say("dumping the database")
        with dumping(job.warehouse, snapshot["name"], partial / DATABASE):
            models = copy_models(models_folder, partial / MODELS)
            locks.close()
            copy_project_files(partial)
            contents = read_contents(connection)
        return Manifest(
            backup_id=str(job.backup_id),
            warehouse_id=job.warehouse_id,
            made_at=snapshot["made_at"].isoformat(),
            commit=ask_git("rev-parse", "HEAD"),
            versions=versions(),
            database=read_database(connection, job.warehouse.settings, job.pg_dump),
            contents=contents,
            models=models,
            files={},
        )
