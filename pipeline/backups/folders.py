"""Names and finds backups: `DIR/<UTC time>-<id>/`, each with its database, models, project files and manifest.

A backup is complete when its folder has this name: it is written in a hidden folder, `.<name>.<warehouse>.partial`, and
renamed at the end. The name says which warehouse writes there, so that no other one removes it as left over.
`DIR/erasures.jsonl` says what was erased since, for all of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pipeline.backups.errors import BackupBroken
from waybill.cli import shown_command
from waybill.settings import relative_name

DATABASE, MODELS, PROJECT_FILES = "database", "models", "project"  # the folders of a backup
MANIFEST = "manifest.json"
ERASURES = "erasures.jsonl"
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
PARTIAL = ".partial"


def backup_name(made_at: datetime, backup_id: UUID) -> str:
    """Return the name of a backup's folder; names are in the order of time, as these digits count milliseconds."""
    return f"{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{backup_id.hex[4:12]}"


def is_name_of(name: str, backup_id: UUID) -> bool:
    """Return whether a backup has a name."""
    return NAME.fullmatch(name) is not None and name.endswith(f"-{backup_id.hex[4:12]}")


def partial_of(backup: Path, warehouse_id: str) -> Path:
    """Return the hidden folder in which a backup is written until it is complete, and from which it is deleted."""
    return backup.with_name(f".{backup.name}.{warehouse_id}{PARTIAL}")


def find_partials(folder: Path, warehouse_id: str) -> dict[Path, Path]:
    """Return partial folder → backup, of all partial folders that a warehouse has left in a folder."""
    end = f".{warehouse_id}{PARTIAL}"
    found = [path for path in folder.iterdir() if path.name.startswith(".") and path.name.endswith(end)]
    return {path: folder / path.name[1:].removesuffix(end) for path in found}


def is_backup(folder: Path) -> bool:
    """Return whether a folder has a manifest; what the manifest says is not read."""
    return (folder / MANIFEST).is_file()


def find_backups(folder: Path) -> list[Path]:
    """Return the complete backups in a folder, the oldest first."""
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name) and is_backup(path))


def find_backup(path: Path) -> Path:
    """Return the backup that a path names: the folder itself, or the newest backup in it.

    Raises:
        BackupBroken: there is none.
    """
    if is_backup(path):
        return path
    if not path.is_dir():
        raise BackupBroken(f"{relative_name(path)} is not a folder: name a backup, or the folder that backups are in")
    found = find_backups(path)
    if not found:
        made = f"`{shown_command('backup')} DIR` makes one"
        raise BackupBroken(f"{relative_name(path)} has no complete backup: {made}")
    return found[-1]
