"""Opens an input: plain, gzip or standard input, told by its content, with its digest and without its BOM."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from loader.errors import FileRefused
from warehouse.settings import relative_name

GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
BLOCK = 1 << 20
STANDARD_INPUT = "-"


@dataclass(frozen=True)
class InputFile:
    """One file's content: where it is read, the name it goes by, and the digest of its bytes as delivered."""

    path: Path
    name: str
    digest: str
    size_bytes: int


def identify(path: Path, *, name: str | None = None) -> InputFile:
    """Read a file once for its digest (BLAKE2b-256 of the bytes as delivered).

    Raises:
        FileRefused: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
            size = file.tell()
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}; make it readable and run again") from None
    return InputFile(path, name or coordinate_name(path), digest, size)


def coordinate_name(path: Path) -> str:
    """Return the name a file goes by in coordinates: relative to the project when inside it, else absolute."""
    return relative_name(Path(os.path.abspath(path)))


@contextmanager
def spooled_standard_input() -> Iterator[InputFile]:
    """Copy standard input to a temporary file, so that its digest is known before anything is landed."""
    with tempfile.NamedTemporaryFile(prefix="waybill-stdin-") as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool, BLOCK)
        spool.flush()
        yield identify(Path(spool.name), name=STANDARD_INPUT)


class BrokenStream(Exception):
    """Raised by a stream whose compressed bytes end early or are damaged; what came before was read."""


class Stream:
    """The decompressed bytes of an input, read block by block; counts the bytes read from the disk for progress."""

    def __init__(self, file: BinaryIO) -> None:
        """Take an open file; gzip is told by its first two bytes, a UTF-8 BOM is passed over."""
        self._file = file
        head = file.read(2)
        file.seek(0)
        self._gzip = gzip.GzipFile(fileobj=file) if head == GZIP_MAGIC else None
        self._is_first = True
        self.offset = 0

    def read(self) -> bytes:
        """Return the next block; empty at the end. `offset` is where the first block begins. Raises BrokenStream."""
        block = self._read(BLOCK)
        if self._is_first:
            self._is_first = False
            if block.startswith(BOM):
                self.offset = len(BOM)
                return block[len(BOM) :] or self._read(BLOCK)
        return block

    def _read(self, size: int) -> bytes:
        if self._gzip is None:
            return self._file.read(size)
        try:
            return self._gzip.read1(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BrokenStream(f"the gzip stream is broken: {error}") from None

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file were read so far."""
        return self._file.tell()


@contextmanager
def open_stream(input_file: InputFile) -> Iterator[Stream]:
    """Open an input for reading.

    Raises:
        FileRefused: it cannot be read.
    """
    try:
        file = input_file.path.open("rb")
    except OSError as error:
        raise FileRefused(f"{input_file.path}: {error.strerror}; make it readable and run again") from None
    with file:
        yield Stream(file)
