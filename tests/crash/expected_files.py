"""Writes the files of one round, and knows without the loader what must be in the warehouse after loading them."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import orjson

from tests.support.declared.orders import order

HEAD, TAIL = orjson.dumps(order(123_456)).split(b"123456")
BAD = (b'{"cut": ', b'{"bytes": "\xff"}', b'{"nul": "\\u0000"}', b"[]")
REASONS = ("not_json", "not_utf8", "not_storable", "breaks_contract")


@dataclass
class Expected:
    """Fingerprint → how often the document must be landed; (file name, position, reason) of every reject."""

    landed: Counter[UUID] = field(default_factory=Counter)
    rejects: set[tuple[str, int, str]] = field(default_factory=set)


def write_files(folder: Path, rng: random.Random) -> Expected:
    """Write lines with some bad ones, a compressed array, and a file that repeats documents of the array."""
    folder.mkdir()
    expected = Expected()
    numbers = iter(range(rng.randrange(10**9), 10**10))
    lines = [_document(next(numbers)) for _ in range(rng.randint(1_000, 8_000))]
    for bad in BAD:
        lines.insert(rng.randrange(len(lines)), bad)
    expected.rejects = {
        (f"{folder}/lines.ndjson", position, REASONS[BAD.index(line)])
        for position, line in enumerate(lines, start=1)
        if line in BAD
    }
    array = [_document(next(numbers)) for _ in range(rng.randint(200, 2_000))]
    repeats = [rng.choice(array) for _ in range(100)]
    (folder / "lines.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    (folder / "array.json").write_bytes(gzip.compress(b"[" + b",\n".join(array) + b"]", 1))
    (folder / "repeats.ndjson").write_bytes(b"\r\n".join(repeats))
    expected.landed = Counter(map(_fingerprint, [line for line in lines if line not in BAD] + array + repeats))
    return expected


def _document(number: int) -> bytes:
    return HEAD + str(number % 1_000_000).encode() + TAIL[:-1] + b',"note":"%d"}' % number


def _fingerprint(raw: bytes) -> UUID:
    return UUID(bytes=hashlib.blake2b(raw, digest_size=16).digest())
