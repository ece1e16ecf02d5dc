"""Deletes backups: what an interrupted command left, and the oldest beyond the number to keep.

A complete backup is first renamed to a hidden partial folder, so that what is left of an interrupted deletion is not
taken for a backup. The partial folder goes last, after the ledger has forgotten the backup.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import ERASURES, find_backups, find_partials, partial_of
from pipeline.backups.known import forget_deleted, known_folders
from pipeline.backups.making.destination import staging_folder
from pipeline.backups.manifest import read_manifest
from waybill.file_lock import is_locked
from waybill.settings import Settings


def remove_leftovers(folder: Path, warehouse_id: str) -> list[Path]:
    """Remove what interrupted commands left of this warehouse's backups; return the backups that it was to become.

    A folder that a command is writing to is locked by it, and stays.
    """
    found = find_partials(folder, warehouse_id)
    leftovers = {partial: backup for partial, backup in found.items() if not is_locked(partial)}
    for partial, backup in leftovers.items():
        _remove(partial, backup)
    return list(leftovers.values())


def remove_all_leftovers(warehouse_id: str, settings: Settings) -> list[Path]:
    """Remove what interrupted backups left in all folders that the ledger knows, and in the one for pipes.

    No backup may be at work: the caller holds the lock for runs alone. Returns the backups that it was to become.
    """
    folders = {backup.parent for backup in known_folders()} | {staging_folder(settings)}
    return [left for folder in sorted(folders) if folder.is_dir() for left in remove_leftovers(folder, warehouse_id)]


def delete_outdated(newest: Path, warehouse_id: str, keep: int) -> list[Path]:
    """Delete all backups of this warehouse beside the newest but `keep` in all; return those that were deleted.

    The newest is named, because a clock that was set back gives it an older name.
    """
    own = [backup for backup in find_backups(newest.parent) if backup != newest and _is_own(backup, warehouse_id)]
    outdated = own[: max(len(own) + 1 - keep, 0)]
    for backup in outdated:
        partial = partial_of(backup, warehouse_id)
        backup.rename(partial)
        _remove(partial, backup)
    return outdated


def forget_missing() -> None:
    """Forget the backups that somebody has deleted from folders of this machine.

    Without the log of erasures, which every folder of backups has, it may be the empty folder of a disk that is not
    mounted: its backups still exist.
    """
    known = known_folders()
    forget_deleted([backup for backup in known if (backup.parent / ERASURES).exists() and not backup.exists()])


def _remove(partial: Path, backup: Path) -> None:
    for path in partial.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    forget_deleted([backup])
    partial.rmdir()


def _is_own(backup: Path, warehouse_id: str) -> bool:
    try:
        return read_manifest(backup).warehouse_id == warehouse_id
    except BackupBroken:
        return False
