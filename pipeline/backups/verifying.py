"""Checks that a backup is whole: its manifest, and the size and SHA-256 of every file, by reading all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import MANIFEST
from pipeline.backups.manifest import FileSum, Manifest, read_manifest
from waybill.settings import relative_name

OnRead = Callable[[int], None]  # is called with the number of bytes of each file that was read


def verify_backup(folder: Path, on_read: OnRead = lambda size: None) -> Manifest:
    """Read all files of a backup and return its manifest.

    Raises:
        BackupBroken: a file is missing, has changed or does not belong to it; the message names the first one.
    """
    manifest = read_manifest(folder)
    found = set(file_names(folder)) - {MANIFEST}
    for name, file in manifest.files.items():
        if name not in found:
            raise BackupBroken(f"{relative_name(folder / name)} is missing: use another backup")
        if (folder / name).stat().st_size != file.size or sum_up(folder / name) != file:
            raise BackupBroken(f"{relative_name(folder / name)} is not the file that was written: use another backup")
        on_read(file.size)
    if foreign := sorted(found - manifest.files.keys()):
        raise BackupBroken(f"{relative_name(folder / foreign[0])} does not belong to the backup: move it away")
    return manifest


def file_names(folder: Path) -> Iterator[str]:
    """Yield the paths, relative to a folder, of all files and links in it."""
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        yield from (os.path.relpath(os.path.join(parent, name), folder) for name in [*files, *links])


def sum_up(path: Path, *, syncs: bool = False) -> FileSum:
    """Return the size and SHA-256 of a file; `syncs` makes sure first that it is on the disk."""
    with path.open("rb") as file:
        if syncs:
            os.fsync(file.fileno())
        return FileSum(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
