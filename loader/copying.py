"""Feeds COPY in PostgreSQL's binary format from another thread, so that Python and the server work at once."""

from __future__ import annotations

import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from uuid import UUID

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
BLOCK_BYTES = 4 << 20
BLOCKS_AHEAD = 2
SWITCH_SECONDS = 0.0005  # the hand-over between the threads; Python's default of 5 ms costs a fifth of the speed

RAW_ROW = struct.Struct(">hi16siqi16sib")
JSONB_VERSION = 1


def raw_row(batch: bytes, position: int, fingerprint: bytes, document: bytes) -> bytes:
    """Return one row of a raw table: batch (16 bytes), position, fingerprint (16 bytes), jsonb as its text."""
    return RAW_ROW.pack(4, 16, batch, 8, position, 16, fingerprint, len(document) + 1, JSONB_VERSION) + document


def row(*values: bytes | str | int | UUID | None) -> bytes:
    """Return a row of any table; int is bigint, str is text, bytes is bytea."""
    parts = [struct.pack(">h", len(values))]
    for value in values:
        if value is None:
            parts.append(struct.pack(">i", -1))
            continue
        if isinstance(value, UUID):
            data = value.bytes
        elif isinstance(value, int):
            data = struct.pack(">q", value)
        else:
            data = value if isinstance(value, bytes) else _text(value)
        parts.append(struct.pack(">i", len(data)) + data)
    return b"".join(parts)


def _text(value: str) -> bytes:
    """Return text as PostgreSQL can store it: NUL and halves of surrogate pairs are shown as escapes."""
    return value.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace")


class BlockPipe:
    """A file for `copy_expert` to read, filled by another thread through a short queue of large blocks."""

    def __init__(self, fill: Callable[[Callable[[bytes], None]], None]) -> None:
        """Take the function that fills the pipe; it is given `put`, and runs in a thread of its own."""
        self._queue: Queue[bytes | None] = Queue(maxsize=BLOCKS_AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[fill], name="waybill-framing", daemon=True)
        self._left = b""
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, empty at the end; raises what the filling thread raised."""
        if not self._left:
            block = self._queue.get()
            if block is None:
                self._queue.put(None)
                if self.error:
                    raise self.error
                return b""
            self._left = block
        if size < 0:
            size = len(self._left)
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def readline(self, size: int = -1, /) -> bytes:
        """Return a block: psycopg2 asks for the method and never calls it in binary format."""
        return self.read(size)

    def _run(self, fill: Callable[[Callable[[bytes], None]], None]) -> None:
        try:
            fill(self._put)
        except BaseException as error:
            self.error = error
        self._put(None)

    def _put(self, block: bytes | None) -> None:
        while not self._closed.is_set():
            try:
                self._queue.put(block, timeout=0.2)
            except Full:
                continue
            return

    @contextmanager
    def filled(self) -> Iterator[BlockPipe]:
        """Run the filling thread for as long as the block lasts, whatever ends it."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._thread.start()
        try:
            yield self
        finally:
            self._closed.set()
            with_room = True
            while with_room:
                try:
                    self._queue.get_nowait()
                except Empty:
                    with_room = False
            self._thread.join()
            sys.setswitchinterval(before)
