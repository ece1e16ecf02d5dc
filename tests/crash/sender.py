"""Sends the messages of one round at a steady rate, with or without Kafka transactions."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress

from kafka import KafkaProducer
from kafka.errors import KafkaError

from tests.crash.messages import Message

SECONDS = 4.0
TRANSACTION_MS = 10_000
DELIVERY_MS = 20_000


class Sender(threading.Thread):
    """A thread that sends all messages within about SECONDS. A broker that is away is not an error."""

    def __init__(self, server: str, topic: str, todo: list[Message], *, in_transactions: bool, seed: int) -> None:
        """Keep the messages; `start` begins to send them."""
        super().__init__(name="chaos-sender", daemon=True)
        self._server, self._topic, self._todo = server, topic, todo
        self._in_transactions = in_transactions
        self._rng = random.Random(seed)
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send all messages. One that the broker did not accept is not in the topic, so nothing is expected of it."""
        try:
            self._send_all()
        except Exception as error:
            self.error = error

    def _send_all(self) -> None:
        producer = self._connected_producer()
        started = time.monotonic()
        size = max(20, len(self._todo) // 40)
        for start in range(0, len(self._todo), size):
            with suppress(KafkaError):
                self._send(producer, self._todo[start : start + size])
            time.sleep(max(0.0, started + SECONDS * start / len(self._todo) - time.monotonic()))
        with suppress(KafkaError):  # longer than a delivery may take: a message that failed by then cannot arrive later
            producer.flush(2 * DELIVERY_MS / 1000)
        with suppress(KafkaError):
            producer.close(timeout=5)
        if self._in_transactions:
            self._abort_open_transaction()

    def _connected_producer(self) -> KafkaProducer:
        """Return a producer that is connected, waiting for the broker to come back if necessary."""
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
            compression_type=self._rng.choice([None, "gzip", "snappy", "lz4", "zstd"]),
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
            if self._rng.random() < 0.3:
                producer.abort_transaction()
            else:
                producer.commit_transaction()

    def _abort_open_transaction(self) -> None:
        """Fence the producer: the broker aborts a transaction that it left open, so that the topic can be read to its end."""
        self._connected_producer().close(timeout=5)
