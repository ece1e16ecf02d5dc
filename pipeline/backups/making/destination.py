"""Checks the folder that backups are written to: it must be safe to write there, and hold no other warehouse's."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from pipeline.backups.erasure_log import is_there
from pipeline.backups.errors import BackupBroken, BackupRefused
from pipeline.backups.folders import MANIFEST, find_backups
from pipeline.backups.known import known_folders
from pipeline.backups.manifest import read_manifest
from warehouse.connection import Warehouse
from waybill.cli import shown_command
from waybill.settings import PROJECT, Settings, relative_name
from waybill.text import counted

OWN = "backups"  # the one folder in the project for backups: git and the commands that change files ignore it
PRIVATE = 0o700


def prepare_folder(folder: Path, warehouse: Warehouse) -> Path:
    """Make the folder if it is missing, and return its absolute path.

    Raises:
        BackupRefused: it is a backup itself, cannot be written to, or is among files that Waybill reads or writes.
    """
    folder = Path(os.path.realpath(folder))
    name = relative_name(folder)
    if inside := _enclosing(folder, warehouse):
        place = "used by Waybill itself" if inside == folder else f"in {relative_name(inside)}"
        raise BackupRefused(f"{name} is {place}: choose a folder outside, or `{OWN}` in the project")
    if os.path.lexists(folder / MANIFEST):
        raise BackupRefused(f"{name} has a {MANIFEST}, as a backup itself has: name the folder above it, or a new one")
    if not folder.parent.is_dir():
        raise BackupRefused(f"{name} cannot be made, its parent folder is missing: make it, or mount its disk, first")
    try:
        folder.mkdir(PRIVATE, exist_ok=True)
        is_writable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except FileExistsError:
        raise BackupRefused(f"{name} is not a folder: name one, or a new one") from None
    except PermissionError:
        is_writable = False
    except OSError as error:
        raise BackupRefused(f"{name} cannot be made: {error.strerror}: choose another folder") from None
    if not is_writable:
        raise BackupRefused(f"{name} cannot be written to: give your user the permission, or choose another folder")
    return folder


def require_mounted(folder: Path) -> None:
    """Check that a folder in which backups were made has one of them, or their log; the folder is not made.

    Raises:
        BackupRefused: it has neither: its disk may not be mounted.
    """
    folder = Path(os.path.realpath(folder))
    made = [backup for backup in known_folders() if backup.parent == folder]
    if made and not (folder.is_dir() and is_there(folder)):
        name = relative_name(folder)
        forget = shown_command(f"backup --forget {name}")
        raise BackupRefused(
            f"{name} had {counted(len(made), 'backup')} and has none: mount its disk; or, if they were deleted, "
            f"`{forget}` first"
        )


def staging_folder(settings: Settings) -> Path:
    """Return the folder in which a backup for a pipe is written first; make it if it is missing."""
    folder = settings.state_folder / OWN
    folder.mkdir(PRIVATE, parents=True, exist_ok=True)
    return folder


def pipe_log_folder(settings: Settings) -> Path:
    """Return the folder with the log of erasures for backups of a database that went to a pipe; make it if needed."""
    folder = staging_folder(settings) / quote(settings.pgdatabase, safe="")
    folder.mkdir(PRIVATE, exist_ok=True)
    return folder


def require_own(folder: Path, warehouse_id: str) -> None:
    """Check that a folder holds no backup of another warehouse.

    Raises:
        BackupRefused: it does.
    """
    for backup in find_backups(folder):
        try:
            manifest = read_manifest(backup)
        except BackupBroken:  # it is nobody's: not counted and not deleted
            continue
        if manifest.warehouse_id != warehouse_id:
            raise BackupRefused(
                f"{relative_name(folder)} has backups of another warehouse, such as {backup.name} of the database "
                f"{manifest.database.name}: choose another folder"
            )


def _enclosing(folder: Path, warehouse: Warehouse) -> Path | None:
    """Return the folder of the project or of the server that a folder is in; None if it is in none of them."""
    if folder.is_relative_to(PROJECT.resolve() / OWN):
        return None
    server = [warehouse.server.data.parent] if warehouse.server else []
    taken = [PROJECT, *_settings_folders(warehouse.settings), *server]
    return next((one for one in taken if folder.is_relative_to(one.resolve())), None)


def _settings_folders(settings: Settings) -> list[Path]:
    return [
        settings.state_folder,
        settings.secrets_folder,
        settings.raw_folder,
        settings.processed_folder,
        settings.models_folder,
        settings.reports_folder,
    ]
