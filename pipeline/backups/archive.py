"""Writes a backup as a tar archive to a pipe, so that what encrypts or sends it is the user's own program."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

from pipeline.backups.errors import BackupFailed
from pipeline.backups.folders import MANIFEST
from pipeline.backups.verifying import file_names


def write_archive(backup: Path, name: str, output: IO[bytes]) -> None:
    """Write a complete backup as an archive in which all files are below `name`; the manifest is the last one.

    Raises:
        BackupFailed: the program that reads the pipe ended before.
    """
    names = sorted(set(file_names(backup)) - {MANIFEST})
    try:
        with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
            for file in [*names, MANIFEST]:
                archive.add(backup / file, f"{name}/{file}", recursive=False)
        output.flush()
    except BrokenPipeError:
        raise BackupFailed(
            "the program that reads the pipe ended before the backup was complete: discard what it wrote, and run this "
            "again"
        ) from None
