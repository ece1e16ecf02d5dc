"""Reads an input's bytes: decompressed and without a byte order mark."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader

from loader.errors import FileChanged
from loader.reading.compression import MARK_BYTES, Damaged, Decompressor, decompressed_beginning, format_mark
from loader.reading.input_files import (
    BLOCK_BYTES,
    DIGEST_BYTES,
    InputFile,
    block_bytes_for,
    opened,
    stamp_of,
    unreadable,
)

BOM = b"\xef\xbb\xbf"
STEPS_BYTES = (1 << 10, 1)  # how much is read at a time before damaged bytes: first in large steps, then in small ones


class BrokenStream(Exception):
    """Raised when compressed bytes are damaged or end early. What came before was read."""


class Stream:
    """The decompressed bytes of an input from some byte on, read block by block."""

    def __init__(self, file: BufferedReader, input_file: InputFile, first_byte: int = 0) -> None:
        """Take an open file. Its first bytes show whether it is compressed; a UTF-8 byte order mark is skipped."""
        self._file = file
        self._input_file = input_file
        self._stamp = input_file.stamp
        self._broken: BrokenStream | None = None
        self._mark = format_mark(file.read(MARK_BYTES))
        file.seek(0)
        self._block_bytes = BLOCK_BYTES if self._mark else block_bytes_for(input_file.stamp.size_bytes)
        self._decompressor = Decompressor(file, self._mark) if self._mark else None
        self.offset = first_byte
        if first_byte:
            try:
                (self._decompressor or file).seek(first_byte)
            except Damaged as error:  # this byte was read before, so the damage is right after it
                self._broken = BrokenStream(str(error))
        self._may_have_bom = not first_byte

    def beginning(self, size: int) -> bytes:
        """Return the input's first bytes, decompressed, wherever reading is; fewer if the input is shorter."""
        return decompressed_beginning(os.pread(self._file.fileno(), size, 0), size)

    def read(self) -> bytes:
        """Return the next block, empty at the end. `offset` is the first byte of the first block.

        Raises:
            BrokenStream: the compressed bytes are damaged here, or end early.
            FileRefused: the system reports an error.
        """
        block = self._read(self._block_bytes)
        if self._may_have_bom:
            self._may_have_bom = False
            if block.startswith(BOM):
                self.offset = len(BOM)
                return block[len(BOM) :] or self._read(self._block_bytes)
        return block

    def _read(self, size: int) -> bytes:
        if self._broken:
            raise self._broken
        try:
            if self._decompressor is None:
                return self._file.read(size)
            try:
                return self._decompressor.read1(size)
            except Damaged as error:
                self._broken = BrokenStream(str(error))
                if not error.is_end and (undamaged := self._undamaged_bytes(self._decompressor.tell())):
                    return undamaged
                raise self._broken from None
        except OSError as error:
            raise unreadable(self._input_file.path, error) from None

    def _undamaged_bytes(self, first_byte: int) -> bytes:
        """Return the bytes from here to the damage, because the read that meets the damage returns none of them.

        Deflate may notice a damaged byte some symbols late, so the last bytes may be altered. The end of such a file
        is a `cut_off` reject in any case.
        """
        undamaged = bytearray()
        for step_bytes in STEPS_BYTES:
            self._file.seek(0)
            reopened = Decompressor(self._file, self._mark or b"")
            with suppress(Damaged):
                reopened.seek(first_byte + len(undamaged))
                while piece := reopened.read1(step_bytes):
                    undamaged += piece
        return bytes(undamaged)

    @property
    def bytes_read(self) -> int:
        """The number of bytes of the file that were read so far."""
        return self._file.tell()

    def check_unchanged(self) -> None:
        """Check that the bytes read belong to the digest: by the file's stamp, or by all bytes if the stamp differs.

        Raises:
            FileChanged: the file has other bytes now.
        """
        stamp = stamp_of(self._file)
        if stamp == self._stamp:
            return
        if stamp.size_bytes != self._stamp.size_bytes or self._digest() != self._input_file.digest:
            raise FileChanged(
                f"{self._input_file.name} changed while it was read; the documents read before the change are landed;"
                " run again when the file is complete: it then counts as a new file, and what it repeats becomes"
                " duplicates"
            )
        self._stamp = stamp

    def _digest(self) -> str:
        digest, offset = hashlib.blake2b(digest_size=DIGEST_BYTES), 0
        while block := os.pread(self._file.fileno(), BLOCK_BYTES, offset):
            digest.update(block)
            offset += len(block)
        return digest.hexdigest()


@contextmanager
def open_stream(input_file: InputFile, first_byte: int = 0) -> Iterator[Stream]:
    """Open an input for reading from a byte of its decompressed content on.

    Raises:
        FileRefused: the file cannot be read.
    """
    with opened(input_file.path) as file:
        yield Stream(file, input_file, first_byte)
