"""What is sent to the topic of one round, and what has to become of each message, known without the consumer."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from kafka import KafkaProducer
from kafka.errors import KafkaError

LARGEST_BYTES = 4096  # what the consumers of a round take; the broker takes more
POISON = {
    b"": "not_json",
    b'{"cut": ': "not_json",
    b'{"id": 1} {"id": 2}': "not_json",
    b'{"id": 1, "text": "\xff"}': "not_utf8",
    b'{"id": 1, "text": "\\u0000"}': "not_storable",
    b'{"id": 1, "text": "\\ud800"}': "not_storable",
    b'{"id": 1, "text": ' + b"[" * 1100 + b"]" * 1100 + b"}": "not_storable",
    b'{"id": 1, "text": 1e140000}': "not_storable",
    b'{"id": 1, "text": 1e-20000}': "not_storable",  # Python takes it, PostgreSQL does not
    b'{"id": 1, "text": 1e9999999999999999999}': "not_storable",
    b'{"id": 1, "text": 1e-9999999999999999999}': "not_storable",
    b"[]": "breaks_contract",
    b'{"id": "one"}': "breaks_contract",
    b'{"id": 1, "text": "' + b"x" * LARGEST_BYTES + b'"}': "too_large",
}
SECONDS = 4.0
TRANSACTION_MS = 10_000
DELIVERY_MS = 20_000


@dataclass(frozen=True)
class Message:
    """A message on its way: where to, under which key, and whether its transaction is committed, if it has one."""

    value: bytes | None
    partition: int
    key: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def outcome(value: bytes | None) -> str:
    """Return what has to become of a value: tombstone, landed, or the reason of its reject."""
    return "tombstone" if value is None else POISON.get(value, "landed")


def fingerprint(value: bytes) -> bytes:
    """Return the 16 bytes that a raw row has to carry."""
    return hashlib.blake2b(value, digest_size=16).digest()


def messages(chance: random.Random, partitions: int, *, has_keys: bool) -> Iterator[Message]:
    """Yield documents with duplicates, late ones, poison and tombstones among them."""
    total = chance.randint(2_000, 12_000)
    values: list[bytes | None] = [_document(chance, number) for number in range(total)]
    values += chance.choices(values, k=total // 10)
    values += [*POISON, None, None, None]
    for place in range(0, len(values), 50):  # late by up to 50 messages, and some by thousands
        block = values[place : place + 50]
        chance.shuffle(block)
        values[place : place + 50] = block
    for _ in range(total // 20):
        values.insert(chance.randrange(len(values)), values.pop(chance.randrange(len(values))))
    for value in values:
        is_keyed = has_keys or value is None or chance.random() < 0.5
        key = b"%d" % chance.randrange(total // 4) if is_keyed else None
        headers = [("trace", chance.randbytes(8)), ("trace", b"")] if chance.random() < 0.1 else []
        yield Message(value, chance.randrange(partitions), key, headers)


def _document(chance: random.Random, number: int) -> bytes:
    return b'{"id": %d, "text": "%s"}' % (number, chance.randbytes(chance.randrange(40)).hex().encode())


class Sender(threading.Thread):
    """Sends a round's messages at a steady pace, in transactions or without; a broker that is away is no error."""

    def __init__(self, server: str, topic: str, todo: list[Message], *, in_transactions: bool, seed: int) -> None:
        """Take what is to be sent."""
        super().__init__(name="chaos-sender", daemon=True)
        self._server, self._topic, self._todo = server, topic, todo
        self._in_transactions = in_transactions
        self._chance = random.Random(seed)
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send all of it; what the broker did not take is not in the topic, and so not in the truth."""
        try:
            self._send_all()
        except Exception as error:
            self.error = error

    def _send_all(self) -> None:
        producer = self._producer()
        started = time.monotonic()
        size = max(20, len(self._todo) // 40)
        for place in range(0, len(self._todo), size):
            with suppress(KafkaError):
                self._send(producer, self._todo[place : place + size])
            time.sleep(max(0.0, started + SECONDS * place / len(self._todo) - time.monotonic()))
        with suppress(KafkaError):  # longer than a message may take: what has failed by then does not come later
            producer.flush(2 * DELIVERY_MS / 1000)
        with suppress(KafkaError):
            producer.close(timeout=5)
        if self._in_transactions:
            self._end_what_is_open()

    def _producer(self) -> KafkaProducer:
        """Return a producer that has met the broker, however long that takes to come back."""
        while True:
            with suppress(KafkaError):
                producer = self._new_producer()
                if self._in_transactions:
                    producer.init_transactions()
                return producer
            time.sleep(1)

    def _new_producer(self) -> KafkaProducer:
        transactional = {"transactional_id": self._topic, "transaction_timeout_ms": TRANSACTION_MS}
        return KafkaProducer(
            bootstrap_servers=self._server,
            acks="all",
            linger_ms=5,
            max_block_ms=DELIVERY_MS,
            request_timeout_ms=DELIVERY_MS // 2,
            delivery_timeout_ms=DELIVERY_MS,
            compression_type=self._chance.choice([None, "gzip", "snappy", "lz4", "zstd"]),
            **(transactional if self._in_transactions else {}),
        )

    def _send(self, producer: KafkaProducer, block: list[Message]) -> None:
        if self._in_transactions:
            producer.begin_transaction()
        for message in block:
            producer.send(
                self._topic, message.value, partition=message.partition, key=message.key, headers=message.headers
            )
        if self._in_transactions:
            producer.flush(20)
            if self._chance.random() < 0.3:
                producer.abort_transaction()
            else:
                producer.commit_transaction()

    def _end_what_is_open(self) -> None:
        """Fence the producer: a transaction that it left open is aborted, so that the topic has an end."""
        self._producer().close(timeout=5)
