"""Opens an input: plain, gzip or standard input, told by its content, with its digest and without its BOM."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from loader.errors import FileChanged, FileRefused
from waybill.settings import relative_name

GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
BLOCK = 1 << 20
DIGEST_BYTES = 32
STEPS = (1 << 10, 1)  # how many bytes are read at a time towards damage, first and then where that failed
STANDARD_INPUT = "-"
SETTLING_SECONDS = 0.02  # longer than a tick of the clock that stamps files: a later write shows in the stamp
BREAKS = (EOFError, zlib.error, gzip.BadGzipFile)

FileStamp = tuple[int, int, int, int]  # inode, size, time of the last write, time of the last change


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file's content: where it is read, the name it goes by, the digest of its bytes as delivered, its stamp."""

    path: Path
    name: str
    digest: str
    size_bytes: int
    stamp: FileStamp


def identify(path: Path, *, name: str | None = None) -> InputFile:
    """Read a file once for its digest (BLAKE2b-256 of the bytes as delivered).

    Raises:
        FileRefused: it cannot be read, or is no regular file.
    """
    with _opened(path) as file:
        stamp = _stamp(file)
        if abs(time.time_ns() - stamp[2]) < SETTLING_SECONDS * 1e9:
            time.sleep(SETTLING_SECONDS)
            stamp = _stamp(file)
        try:
            found, block_bytes = hashlib.blake2b(digest_size=DIGEST_BYTES), _block_bytes(stamp)
            while block := file.read(block_bytes):
                found.update(block)
        except OSError as error:
            raise _refused(path, error) from None
        return InputFile(path, name or coordinate_name(path), found.hexdigest(), file.tell(), stamp)


def coordinate_name(path: Path) -> str:
    """Return the name a file goes by in coordinates: relative to the project when inside it, else absolute."""
    return storable_name(relative_name(os.path.abspath(path)))


def storable_name(name: str) -> str:
    """Return a name whose bytes are no UTF-8 with escapes for them, since PostgreSQL stores characters only."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


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
    """The decompressed bytes of an input from some byte on, read block by block."""

    def __init__(self, file: BufferedReader, input_file: InputFile, first_byte: int = 0) -> None:
        """Take an open file; gzip is told by its first two bytes, a UTF-8 BOM is passed over."""
        self._file = file
        self._input_file = input_file
        self._stamp = input_file.stamp
        self._broken: BrokenStream | None = None
        head = file.read(4)
        file.seek(0)
        self._block_bytes = BLOCK if head.startswith(GZIP_MAGIC) else _block_bytes(input_file.stamp)
        self._gzip = gzip.GzipFile(fileobj=file) if head.startswith(GZIP_MAGIC) else None
        self.offset = first_byte
        if first_byte:
            try:
                (self._gzip or file).seek(first_byte)  # in gzip it can be reached, since it was read before
            except BREAKS as error:  # right behind it, as zlib may look that far
                self._broken = _broken(error)
        self._may_hold_bom = not first_byte

    def beginning(self) -> bytes:
        """Return the first four bytes, decompressed; fewer where there are no more."""
        try:
            return self._gzip.peek(4)[:4] if self._gzip else os.pread(self._file.fileno(), 4, 0)
        except BREAKS:
            return b""

    def read(self) -> bytes:
        """Return the next block; empty at the end. `offset` is where the first block begins. Raises BrokenStream."""
        block = self._read(self._block_bytes)
        if self._may_hold_bom:
            self._may_hold_bom = False
            if block.startswith(BOM):
                self.offset = len(BOM)
                return block[len(BOM) :] or self._read(self._block_bytes)
        return block

    def _read(self, size: int) -> bytes:
        if self._broken:
            raise self._broken
        try:
            if self._gzip is None:
                return self._file.read(size)
            try:
                return self._gzip.read1(size)
            except BREAKS as error:
                self._broken = _broken(error)
                if isinstance(error, zlib.error) and (sound := self._sound_bytes(self._gzip.tell())):
                    return sound
                raise self._broken from None
        except OSError as error:
            raise _refused(self._input_file.path, error) from None

    def _sound_bytes(self, first_byte: int) -> bytes:
        """Return what stands from a byte on before the damage: a read that meets it hands out nothing of that.

        Deflate may notice a damaged byte some symbols late, so the last of it may be altered; the file's end is a
        `cut_off` reject in any case.
        """
        sound = bytearray()
        for step in STEPS:
            self._file.seek(0)
            again = gzip.GzipFile(fileobj=self._file)
            with suppress(*BREAKS):
                again.seek(first_byte + len(sound))
                while piece := again.read1(step):
                    sound += piece
        return bytes(sound)

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file were read so far."""
        return self._file.tell()

    def check_unchanged(self) -> None:
        """Make sure that what is read is what the digest says: by the file's stamp, and by its bytes when that differs.

        Raises:
            FileChanged: the bytes are not those of the digest any more.
        """
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        if stamp[1] != self._stamp[1] or self._digest() != self._input_file.digest:
            raise FileChanged(
                f"{self._input_file.name} changed while it was read; what was landed of it is what was read until then;"
                " run again when it is whole: it counts as a new file then, and what it repeats become duplicates"
            )
        self._stamp = stamp

    def _digest(self) -> str:
        found, at = hashlib.blake2b(digest_size=DIGEST_BYTES), 0
        while block := os.pread(self._file.fileno(), BLOCK, at):
            found.update(block)
            at += len(block)
        return found.hexdigest()


@contextmanager
def open_stream(input_file: InputFile, first_byte: int = 0) -> Iterator[Stream]:
    """Open an input for reading from a byte of its decompressed content on.

    Raises:
        FileRefused: it cannot be read.
    """
    with _opened(input_file.path) as file:
        yield Stream(file, input_file, first_byte)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileRefused(f"{coordinate_name(path)} is no regular file: pipe what it gives into `-`")
        file = path.open("rb")
    except OSError as error:
        raise _refused(path, error) from None
    with file:
        yield file


def _broken(error: Exception) -> BrokenStream:
    return BrokenStream(f"the gzip stream is broken: {error}")


def _refused(path: Path, error: OSError) -> FileRefused:
    return FileRefused(f"{coordinate_name(path)}: {error.strerror}; make it readable and run again")


def _stamp(file: BufferedReader) -> FileStamp:
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _block_bytes(stamp: FileStamp) -> int:
    """Return how much to read at a time: to make room for a large block costs more than to read a small file."""
    return min(BLOCK, stamp[1] + 1)
