"""Unpacks a backup that comes through a pipe as a tar archive."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.backups.errors import BackupBroken
from pipeline.backups.folders import NAME, is_backup
from waybill.atomic_files import named_in_errors
from waybill.file_lock import file_lock
from waybill.settings import Settings

FOLDER = "restoring"  # in the state folder, with the unpacked backup
PRIVATE = 0o700


@contextmanager
def unpacked(archive: IO[bytes], settings: Settings) -> Iterator[Path]:
    """Give the folder of an unpacked backup; it is removed at the end, or by the next command if this one is killed.

    Raises:
        BackupBroken: the archive does not hold a whole backup.
        OSError: the disk is full.
    """
    folder = settings.state_folder / FOLDER
    with file_lock(folder.with_suffix(".lock"), "waiting for another restore from a pipe"):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with named_in_errors(folder):
                folder.mkdir(PRIVATE, parents=True)
                yield _unpack(archive, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: IO[bytes], folder: Path) -> Path:
    try:
        with tarfile.open(fileobj=archive, mode="r|", encoding="utf-8") as opened:
            for member in opened:
                if not _is_of_backup(member):
                    raise BackupBroken("standard input is not a backup: send what `waybill backup -` has written")
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:  # before Python 3.11.4, `extract` has no filter
                    shutil.copyfileobj(opened.extractfile(member), file)  # type: ignore[arg-type]
    except (tarfile.TarError, EOFError, ValueError):
        raise BackupBroken(
            "standard input is not a whole backup: send all of what `waybill backup -` has written, decrypted and "
            "decompressed"
        ) from None
    found = [path for path in folder.iterdir() if is_backup(path)]
    if len(found) != 1:
        raise BackupBroken("standard input ended before the manifest of the backup: it is not whole, use another")
    return found[0]


def _is_of_backup(member: tarfile.TarInfo) -> bool:
    """Return whether it is a file below a backup's folder: no link, and no path that leads elsewhere."""
    first, *others = member.name.split("/")
    return member.isfile() and bool(NAME.fullmatch(first)) and others != [] and ".." not in others
