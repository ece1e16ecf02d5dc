"""The files of one round, and what has to stand in the warehouse when they are loaded, known without the loader."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import orjson

from tests.support.landing import flight

HEAD, TAIL = orjson.dumps(flight(123_456)).split(b"123456")
BAD = (b'{"cut": ', b'{"bytes": "\xff"}', b'{"nul": "\\u0000"}', b"[]")
REASONS = ("not_json", "not_utf8", "not_storable", "breaks_contract")


@dataclass
class Truth:
    """Fingerprint → how often it has to be landed, and (file name, position, reason) of every reject."""

    good: Counter[UUID] = field(default_factory=Counter)
    bad: set[tuple[str, int, str]] = field(default_factory=set)


def write_files(folder: Path, chance: random.Random) -> Truth:
    """Write lines with bad ones among them, a packed array, and a file that repeats documents of the first."""
    folder.mkdir()
    truth = Truth()
    numbers = iter(range(chance.randrange(10**9), 10**10))
    lines = [_document(next(numbers)) for _ in range(chance.randint(1_000, 8_000))]
    for bad in BAD:
        lines.insert(chance.randrange(len(lines)), bad)
    truth.bad = {
        (f"{folder}/lines.ndjson", position, REASONS[BAD.index(line)])
        for position, line in enumerate(lines, start=1)
        if line in BAD
    }
    array = [_document(next(numbers)) for _ in range(chance.randint(200, 2_000))]
    again = [chance.choice(array) for _ in range(100)]
    (folder / "lines.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    (folder / "array.json").write_bytes(gzip.compress(b"[" + b",\n".join(array) + b"]", 1))
    (folder / "repeats.ndjson").write_bytes(b"\r\n".join(again))
    truth.good = Counter(map(_fingerprint, [line for line in lines if line not in BAD] + array + again))
    return truth


def _document(number: int) -> bytes:
    return HEAD + str(number % 1_000_000).encode() + TAIL[:-1] + b',"note":"%d"}' % number


def _fingerprint(raw: bytes) -> UUID:
    return UUID(bytes=hashlib.blake2b(raw, digest_size=16).digest())
