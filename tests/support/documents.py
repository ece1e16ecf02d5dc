"""Documents of the source `things`, and counts of those that landed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from contextlib import suppress

from tests.support.databases import rows


def document(number: int, **more: object) -> bytes:
    """Return one good document as bytes."""
    return json.dumps({"id": f"t{number}", "updated_at": "2013-01-01T00:00:00Z", **more}).encode()


def damaged_gzip(data: bytes, share: float) -> tuple[bytes, bytes]:
    """Return gzipped data with one byte flipped at which zlib fails, and the data that can be read before it."""
    whole = gzip.compress(data)
    for flipped in range(int(len(whole) * share), len(whole) - 8):
        packed = whole[:flipped] + bytes([whole[flipped] ^ 0xFF]) + whole[flipped + 1 :]
        try:
            with suppress(EOFError, gzip.BadGzipFile):
                gzip.decompress(packed)
        except zlib.error:
            return packed, zlib.decompressobj(wbits=31).decompress(whole[:flipped])
    raise AssertionError("no such byte")


def landed_ids() -> Counter[str]:
    """Return how often each document has landed."""
    return Counter(value for (value,) in rows("select document ->> 'id' from raw.things"))
