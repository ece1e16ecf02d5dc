"""Makes the messages of one round, and knows without the consumer what must become of each."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_BYTES = 4096  # of a document in the consumers' settings; the broker accepts larger messages
BAD_VALUES = {
    b"": "not_json",
    b'{"cut": ': "not_json",
    b'{"id": 1} {"id": 2}': "not_json",
    b'{"id": 1, "text": "\xff"}': "not_utf8",
    b'{"id": 1, "text": "\\u0000"}': "not_storable",
    b'{"id": 1, "text": "\\ud800"}': "not_storable",
    b'{"id": 1, "text": ' + b"[" * 1100 + b"]" * 1100 + b"}": "not_storable",
    b'{"id": 1, "text": 1e140000}': "not_storable",
    b'{"id": 1, "text": 1e-20000}': "not_storable",  # Python accepts it, PostgreSQL does not
    b'{"id": 1, "text": 1e9999999999999999999}': "not_storable",
    b'{"id": 1, "text": 1e-9999999999999999999}': "not_storable",
    b"[]": "breaks_contract",
    b'{"id": "one"}': "breaks_contract",
    b'{"id": 1, "text": "' + b"x" * MAX_BYTES + b'"}': "too_large",
}


@dataclass(frozen=True)
class Message:
    """A message to send: its value, None for a tombstone, its partition, key and headers."""

    value: bytes | None
    partition: int
    key: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def outcome(value: bytes | None) -> str:
    """Return what must become of a value: tombstone, landed, or the reason of its reject."""
    return "tombstone" if value is None else BAD_VALUES.get(value, "landed")


def fingerprint(value: bytes) -> bytes:
    """Return the fingerprint that the raw row must have."""
    return hashlib.blake2b(value, digest_size=16).digest()


def make_messages(rng: random.Random, partitions: int, *, has_keys: bool) -> Iterator[Message]:
    """Yield documents in random order, with duplicates, late documents, bad ones and tombstones."""
    total = rng.randint(2_000, 12_000)
    values: list[bytes | None] = [_document(rng, number) for number in range(total)]
    values += rng.choices(values, k=total // 10)
    values += [*BAD_VALUES, None, None, None]
    for start in range(0, len(values), 50):  # most are late by up to 50 messages, some by thousands
        block = values[start : start + 50]
        rng.shuffle(block)
        values[start : start + 50] = block
    for _ in range(total // 20):
        values.insert(rng.randrange(len(values)), values.pop(rng.randrange(len(values))))
    for value in values:
        is_keyed = has_keys or value is None or rng.random() < 0.5
        key = b"%d" % rng.randrange(total // 4) if is_keyed else None
        headers = [("trace", rng.randbytes(8)), ("trace", b"")] if rng.random() < 0.1 else []
        yield Message(value, rng.randrange(partitions), key, headers)


def _document(rng: random.Random, number: int) -> bytes:
    return b'{"id": %d, "text": "%s"}' % (number, rng.randbytes(rng.randrange(40)).hex().encode())
