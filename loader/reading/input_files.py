"""Identifies input files: the digest of their bytes, the name in coordinates, and a stamp that shows later changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from loader.errors import FileRefused
from waybill.settings import relative_name
from waybill.temporary_files import temporary_file

BLOCK_BYTES = 1 << 20
DIGEST_BYTES = 32
STANDARD_INPUT = "-"
CLOCK_SECONDS = 0.02  # longer than a tick of the clock that stamps files: a later write gets another stamp


class FileStamp(NamedTuple):
    """What the file system knows about a file's content."""

    inode: int
    size_bytes: int
    written_ns: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file's content: path, name in coordinates, digest of the bytes as delivered, size and stamp."""

    path: Path
    name: str
    digest: str
    size_bytes: int
    stamp: FileStamp


def identify(path: Path, *, name: str | None = None) -> InputFile:
    """Read a file once to compute its digest (BLAKE2b-256 of the bytes as delivered).

    Raises:
        FileRefused: the file cannot be read, or is not a regular file.
    """
    with opened(path) as file:
        stamp = stamp_of(file)
        if abs(time.time_ns() - stamp.written_ns) < CLOCK_SECONDS * 1e9:
            time.sleep(CLOCK_SECONDS)
            stamp = stamp_of(file)
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        block_bytes = block_bytes_for(stamp.size_bytes)
        try:
            while block := file.read(block_bytes):
                digest.update(block)
        except OSError as error:
            raise unreadable(path, error) from None
        return InputFile(path, name or coordinate_name(path), digest.hexdigest(), file.tell(), stamp)


def coordinate_name(path: Path) -> str:
    """Return a file's name in coordinates: relative to the project if the file is inside it, otherwise absolute."""
    return storable_name(relative_name(os.path.abspath(path)))


def storable_name(name: str) -> str:
    """Return a name with escapes for bytes that are not UTF-8, because PostgreSQL stores characters only."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@contextmanager
def spooled_standard_input() -> Iterator[InputFile]:
    """Copy standard input to a temporary file, so that its digest is known before anything is landed."""
    with temporary_file() as path:
        with path.open("wb") as spool:
            shutil.copyfileobj(sys.stdin.buffer, spool, BLOCK_BYTES)
        yield identify(path, name=STANDARD_INPUT)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file.

    Raises:
        FileRefused: the file cannot be opened, or is not a regular file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileRefused(f"{coordinate_name(path)} is not a regular file: pipe its content into `-`")
        file = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from None
    with file:
        yield file


def unreadable(path: Path, error: OSError) -> FileRefused:
    """Return the error for a file that the operating system refuses to read."""
    return FileRefused(f"{coordinate_name(path)}: {error.strerror}; make it readable and run again")


def stamp_of(file: BufferedReader) -> FileStamp:
    """Return an open file's stamp."""
    found = os.fstat(file.fileno())
    return FileStamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def block_bytes_for(size_bytes: int) -> int:
    """Return how much to read at a time: allocating a large block takes longer than reading a small file."""
    return min(BLOCK_BYTES, size_bytes + 1)
