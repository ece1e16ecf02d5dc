"""Creates time-ordered identifiers, so that no row needs a global sequence."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a version-7 UUID (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits.

    A clock before 1970 counts as 1970: the ids are still unique, only not in order.
    """
    milliseconds = min(max(time.time_ns() // 1_000_000, 0), (1 << 48) - 1)
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
