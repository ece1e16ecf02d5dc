"""Keeps in the ledger which backups exist: an erasure has to reach all of them.

A backup is recorded before anything is written to it, and forgotten after everything was deleted: what was interrupted
in between may hold rows, too.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import find_backups
from pipeline.backups.manifest import read_manifest
from warehouse.connection import cursor_of

RECORD = "insert into ledger.backups (backup_id, run_id, folder) values (%s, %s, %s)"
FORGET = "delete from ledger.backups where backup_id = %s"
FORGET_DELETED = "delete from ledger.backups where folder = any(%s)"
FOLDERS = "select folder from ledger.backups where folder is not null order by folder"


def record_backup(backup_id: UUID, run_id: UUID, folder: Path | None) -> None:
    """Record a backup that is about to be written to a folder, or to a pipe."""
    with cursor_of("keeper") as cursor:
        cursor.execute(RECORD, [str(backup_id), str(run_id), str(folder) if folder else None])


def forget_backup(backup_id: UUID) -> None:
    """Forget a backup that was not completed and of which nothing is left."""
    with cursor_of("keeper") as cursor:
        cursor.execute(FORGET, [str(backup_id)])


def forget_deleted(folders: Collection[Path]) -> None:
    """Forget the backups in these folders, which were deleted."""
    if folders:
        with cursor_of("keeper") as cursor:
            cursor.execute(FORGET_DELETED, [[str(folder) for folder in folders]])


def known_folders() -> list[Path]:
    """Return the folders of all backups that the ledger knows."""
    with cursor_of("keeper") as cursor:
        cursor.execute(FOLDERS)
        return [Path(folder) for (folder,) in cursor.fetchall()]


def forget_all() -> None:
    """Forget all backups, in a scratch warehouse: they belong to the one that it was restored from."""
    with cursor_of("keeper") as cursor:
        cursor.execute("delete from ledger.backups")


def know_backups(folder: Path, warehouse_id: str, run_id: UUID) -> None:
    """Record all complete backups of a warehouse in a folder: the ledger was restored from one of them."""
    for backup in find_backups(folder):
        try:
            manifest = read_manifest(backup)
        except BackupBroken:
            continue
        if manifest.warehouse_id == warehouse_id:
            forget_backup(UUID(manifest.backup_id))
            record_backup(UUID(manifest.backup_id), run_id, backup)
