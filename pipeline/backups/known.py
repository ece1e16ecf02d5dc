"""Keeps in the ledger which backups exist: an erasure has to reach all of them.

A backup is recorded before anything is written to it, and forgotten after everything was deleted: what was interrupted
in between may hold rows, too.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from pipeline.backups.errors import BackupBroken, BackupRefused
from pipeline.backups.folders import find_backups, is_name_of
from pipeline.backups.manifest import read_manifest
from warehouse.connection import cursor_of
from waybill.cli import shown_command
from waybill.settings import relative_name

RECORD = "insert into ledger.backups (backup_id, run_id, folder) values (%s, %s, %s)"
FORGET = "delete from ledger.backups where backup_id = %s"
FORGET_DELETED = "delete from ledger.backups where folder = any(%s)"
ALL = "select backup_id::text, folder from ledger.backups"
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


def forget_gone(name: str) -> None:
    """Forget a backup that does not exist any more, which is named by its folder, or by its name if it went to a pipe.

    The name of a folder of backups is that of all backups in it.

    Raises:
        BackupRefused: none is known, or one still exists.
    """
    folder = Path(os.path.realpath(name))
    with cursor_of("keeper") as cursor:
        cursor.execute(ALL)
        known = {backup_id: place for backup_id, place in cursor.fetchall()}
    found = {one: place for one, place in known.items() if _is_named(name, folder, UUID(one), place)}
    if not found:
        raise BackupRefused(
            f"no backup {name} is known: `select * from ledger.backups` in `{shown_command('psql')}` lists those that "
            "are; nothing was changed"
        )
    if there := sorted(place for place in found.values() if place and os.path.lexists(place)):
        raise BackupRefused(f"{relative_name(there[0])} still exists: delete it first; nothing was changed")
    for backup_id in found:
        forget_backup(UUID(backup_id))


def _is_named(name: str, folder: Path, backup_id: UUID, place: str | None) -> bool:
    return folder in (Path(place), Path(place).parent) if place else is_name_of(name, backup_id)


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
