"""Temporary files and folders for values of documents: soon nothing of them is left, even after a kill."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from waybill.file_lock import file_lock, is_locked

PREFIX, NEW_PREFIX = "waybill-temporary-", "waybill-new-"
DESCRIPTORS = Path("/proc/self/fd")  # on Linux: opens the file of a descriptor again, also one that has no name


@contextmanager
def temporary_file() -> Iterator[Path]:
    """Give the path of an empty file for this process.

    On Linux the file has no name in any folder: nothing of it is left when this process ends, even if it is killed.
    Elsewhere it is in a temporary folder.
    """
    if DESCRIPTORS.exists():
        with tempfile.TemporaryFile() as file:
            yield DESCRIPTORS / str(file.fileno())
    else:
        with temporary_folder() as folder:
            (folder / "file").touch()
            yield folder / "file"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give an empty folder, and remove it after the block.

    If this process is killed, the next one that makes such a folder removes it, and so does an erase.
    """
    remove_left_folders()
    with locked_folder(PREFIX) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_left_folders() -> None:
    """Remove the temporary folders of killed processes."""
    for folder in left_folders(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked_folder(prefix: str) -> Iterator[Path]:
    """Give a new folder that is locked during the block; it has its name only when it is: it is never left over."""
    unlocked = Path(tempfile.mkdtemp(prefix=NEW_PREFIX))
    with file_lock(unlocked):
        yield unlocked.rename(unlocked.with_name(f"{prefix}{unlocked.name.removeprefix(NEW_PREFIX)}"))


def left_folders(prefix: str) -> Iterator[Path]:
    """Yield this user's folders with a prefix that no process has locked: those that had were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.geteuid() and not is_locked(folder):
                yield folder
