"""Completes a backup: computes all checksums, writes the manifest, and makes sure that all of it is on the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipeline.backups.errors import BackupFailed
from pipeline.backups.folders import DATABASE, MANIFEST
from pipeline.backups.manifest import Manifest, as_text
from pipeline.backups.verifying import file_names, sum_up
from waybill.cli import shown_command
from waybill.settings import relative_name

TABLE_OF_CONTENTS = f"{DATABASE}/toc.dat"  # pg_dump writes it, without it there is nothing to restore
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest with the size and checksum of all files in the folder; return it.

    Only the user can read what the folder holds. When this returns, it survives a power failure.

    Raises:
        BackupFailed: the dump of the database is gone.
    """
    if not (folder / TABLE_OF_CONTENTS).is_file():
        raise BackupFailed(
            f"{relative_name(folder / TABLE_OF_CONTENTS)} has disappeared: find out who deletes files there, then run "
            f"`{shown_command('backup')}` again"
        )
    files = {}
    for name in sorted(file_names(folder)):
        _make_private(folder / name, PRIVATE_FILE)
        files[name] = sum_up(folder / name, syncs=True)
    complete = replace(manifest, files=files)
    path = folder / MANIFEST
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(as_text(complete))
        file.flush()
        os.fsync(descriptor)
    for parent, _, _ in os.walk(folder):
        _make_private(Path(parent), PRIVATE_FOLDER)
        sync_folder(Path(parent))
    return complete


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_private(path: Path, mode: int) -> None:
    with suppress(PermissionError):  # a file system without permissions
        path.chmod(mode)
