"""Decompresses inputs. Gzip, bzip2 and xz are recognised by their first bytes, whatever the file is called."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

MARK_BYTES = 6
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, OSError)

Opened = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
FORMATS: dict[bytes, tuple[str, Callable[[BinaryIO], Opened]]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("xz", lzma.LZMAFile),
}


class Damaged(Exception):
    """Raised when compressed bytes are damaged or end early. `is_end` is true if nothing can be read before that."""

    def __init__(self, detail: str, *, is_end: bool) -> None:
        """Take what is wrong."""
        super().__init__(detail)
        self.is_end = is_end


class Decompressor:
    """The decompressed bytes of a file in one of the formats."""

    def __init__(self, file: BinaryIO, mark: bytes) -> None:
        """Take an open file at its first byte, and the mark of its format."""
        self._name, opener = FORMATS[mark]
        self._opened = opener(file)

    def read1(self, size: int) -> bytes:
        """Return at most `size` bytes, empty at the end.

        Raises:
            Damaged: the compressed bytes are damaged here, or end early.
            OSError: the system reports an error.
        """
        try:
            return self._opened.read1(size)
        except DAMAGE as error:
            raise self._damaged(error) from None

    def seek(self, first_byte: int) -> None:
        """Go to a byte of the decompressed content, counted from its beginning. Raises what `read1` raises."""
        try:
            self._opened.seek(first_byte)
        except DAMAGE as error:
            raise self._damaged(error) from None

    def tell(self) -> int:
        """Return the byte of the decompressed content that is read next."""
        return self._opened.tell()

    def _damaged(self, error: Exception) -> Exception:
        if isinstance(error, OSError) and error.errno is not None:
            return error
        is_end = isinstance(error, EOFError | gzip.BadGzipFile)
        is_other = isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped file")
        what = "other bytes follow the end of the compressed data" if is_other else str(error)
        return Damaged(f"the {self._name} stream is broken: {what}", is_end=is_end)


def format_mark(beginning: bytes) -> bytes | None:
    """Return the mark of the compressed format that an input begins with; None for a plain input."""
    return next((mark for mark in FORMATS if beginning.startswith(mark)), None)


def decompressed_beginning(compressed: bytes, size: int) -> bytes:
    """Return the first bytes of what the beginning of an input holds, as far as they can be decompressed."""
    mark = format_mark(compressed)
    if mark is None:
        return compressed[:size]
    found = b""
    opened = Decompressor(BytesIO(compressed), mark)
    try:
        while len(found) < size and (piece := opened.read1(size - len(found))):
            found += piece
    except Damaged:
        pass
    return found
