"""Creates time-ordered identifiers, so that no row needs a global sequence."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a version-7 UUID (RFC 9562, 5.7 and 6.2): 48 bits of Unix milliseconds, 12 of their fraction, random bits.

    A clock before 1970 counts as 1970: the ids are still unique, only not in order.
    """
    milliseconds, nanoseconds = divmod(max(time.time_ns(), 0), 1_000_000)
    value = min(milliseconds, (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(8), "big")
    value |= 0x7 << 76 | nanoseconds * 4096 // 1_000_000 << 64
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
