"""Takes the rows of a binary COPY apart in pieces: numbers by numpy, texts as slices of one buffer.

A server-side cursor makes a Python object of every value: 330,000 rows of 46 columns take it 5 times as long. One COPY
sends each row as one message of bytes, with the numbers first: null is replaced by NaN, so a number is at the same
offset in every row. libpq hands over one row at a time; a piece is all that is in memory at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HEADER_BYTES = 19  # signature, flags and length of the extension, in front of the first row
TRAILER = b"\xff\xff"


@dataclass(frozen=True)
class Piece:
    """Consecutive rows: set, block and numbers as arrays, and for each text column the UTF-8 of each row or None."""

    sets: Any
    blocks: Any
    numbers: Any  # double precision, one row a row
    texts: list[list[bytes | None]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.sets)


class Rows:
    """The file that COPY writes to; `take` gets the rows in pieces of `size`."""

    def __init__(self, numbers: int, texts: int, size: int, take: Callable[[Piece], object]) -> None:
        """Expect two integers, so many double precision numbers and then so many texts in each row."""
        import numpy as np

        integer, number = [("bytes", ">i4"), ("value", ">i4")], [("bytes", ">i4"), ("value", ">f8")]
        self._fixed = np.dtype([("fields", ">i2"), ("set", integer), ("block", integer), ("numbers", number, numbers)])
        self._texts, self._size, self._take = texts, size, take
        self._rows: list[bytes] = []
        self._is_first = True

    def write(self, row: bytes) -> int:
        """Take one row; psycopg2 calls this."""
        size = len(row)
        if self._is_first:
            row, self._is_first = row[HEADER_BYTES:], False
        if row and row != TRAILER:
            self._rows.append(row)
            if len(self._rows) == self._size:
                self.finish()
        return size

    def finish(self) -> None:
        """Hand over the last, shorter piece."""
        if self._rows:
            rows, self._rows = self._rows, []
            self._take(self._parse(rows))

    def _parse(self, rows: list[bytes]) -> Piece:
        import numpy as np

        width = self._fixed.itemsize
        fixed = np.frombuffer(b"".join([row[:width] for row in rows]), self._fixed)
        joined = b"".join(rows)
        characters = np.frombuffer(joined, np.uint8)
        sizes = np.fromiter(map(len, rows), np.int64, len(rows))
        place = np.cumsum(sizes) - sizes + width  # of the next field in each row
        texts = []
        for _ in range(self._texts):
            lengths = characters[place[:, None] + np.arange(4)].view(">i4")[:, 0]
            start, place = place + 4, place + 4 + np.maximum(lengths, 0)
            bounds = zip(start.tolist(), place.tolist(), strict=True)
            texts.append([joined[one:other] or None for one, other in bounds])
        return Piece(fixed["set"]["value"], fixed["block"]["value"], fixed["numbers"]["value"], texts)
