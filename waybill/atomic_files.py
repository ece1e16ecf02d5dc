"""Writes files completely or not at all, even if the process is killed or the disk is full.

What is not a plain file is never replaced by one: a link leads to the file that is replaced, and a pipe, a device, an
open descriptor such as /dev/stdout or a file with a second name is written through when its content is complete.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waybill.temporary_files import temporary_file

MAX_LINKS = 40  # Linux follows no more
UNFINISHED = ".unfinished"  # at the end of the name of a temporary file beside its target, after the process id
MAX_NAME_BYTES = 200  # of a temporary name, which must fit with its prefix and suffix into 255
CANNOT_BE_REPLACED = {errno.EPERM, errno.EACCES, errno.EBUSY, errno.EXDEV}  # another owner's, or a mount point


@contextmanager
def atomic_file(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give a temporary path, usually beside the file, whose content becomes the file's if the block succeeds.

    A file that exists keeps its owner and permissions, unless `mode` names others.

    Raises:
        OSError: with the file's name, even if the system names none.
    """
    with named_in_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        target = _file_to_replace(path)
        with _partial_beside(target) if target else temporary_file() as partial:
            yield partial
            if target is None or not _replace(partial, target, mode):
                _write_through(partial, path)


@contextmanager
def partial_folder(path: Path) -> Iterator[Path]:
    """Give an empty hidden folder beside a file, for unfinished parts of it; delete the folder at the end.

    Raises:
        OSError: with the file's name, even if the system names none.
    """
    partial = path.with_name(f".{_short(path.name)}.parts")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with named_in_errors(path):
            partial.mkdir()
            yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def open_descriptor(path: Path) -> int | None:
    """Return the descriptor of this process that a path such as /dev/stdout or /dev/fd/3 names, None for others."""
    for _ in range(MAX_LINKS):
        folder = os.path.realpath(path.parent)
        if folder in ("/dev/fd", f"/proc/{os.getpid()}/fd") and path.name.isdecimal():
            return int(path.name)
        try:
            path = path.parent / path.readlink()
        except OSError:  # not a link, or another process's
            return None
    return None


def _file_to_replace(path: Path) -> Path | None:
    """Return the file that a path leads to; None if it must be written through.

    Raises:
        OSError: it is a folder, or may not be written to.
    """
    if open_descriptor(path) is not None:
        return None
    target = Path(os.path.realpath(path))
    try:
        found = target.stat()
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    is_plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    return target if is_plain and os.access(target.parent, os.W_OK | os.X_OK) else None


@contextmanager
def _partial_beside(target: Path) -> Iterator[Path]:
    partial = target.with_name(f".{_short(target.name)}.{os.getpid()}{UNFINISHED}")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def _replace(partial: Path, target: Path, mode: int | None) -> bool:
    """Rename a complete file to its target, with the owner and permissions there; return False if that is refused."""
    try:
        if target.exists():
            found = target.stat()
            os.chown(partial, found.st_uid, found.st_gid)
            shutil.copystat(target, partial)
            os.utime(partial)
        if mode is not None:
            partial.chmod(mode)
        partial.replace(target)
    except OSError as error:
        if error.errno not in CANNOT_BE_REPLACED or not target.exists():
            raise
        return False
    return True


def _write_through(partial: Path, path: Path) -> None:
    descriptor = open_descriptor(path)
    opened = path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")
    with partial.open("rb") as complete, opened as file:
        shutil.copyfileobj(complete, file)


def _short(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:MAX_NAME_BYTES])


@contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Name a path in an OSError of the block if the system names none, as for a write to a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_private(path: Path, text: str) -> None:
    """Write a text file that only its owner can read, completely or not at all."""
    with atomic_file(path, mode=0o600) as partial:
        secret = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(secret, "w", encoding="utf-8") as file:
            file.write(text)


def write_atomic(path: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
