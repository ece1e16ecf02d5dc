"""Reads a topic with librdkafka, which shares no code with the client under test."""

from __future__ import annotations

import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

ANSWER_SECONDS = 60
AT_A_TIME = 1_000
GATHER_SECONDS = 0.2  # the longest wait for AT_A_TIME messages


def read_topic(server: str, topic: str) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield partition, offset and value of every committed message that the topic holds now."""
    for message in read_messages(server, topic):
        yield message.partition(), message.offset(), message.value()


def read_messages(server: str, topic: str) -> Iterator[Message]:
    """Yield every committed message that the topic holds now; those of one partition are in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": server,
            "group.id": "independent",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = consumer.list_topics(topic, ANSWER_SECONDS).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        left, deadline = set(partitions), time.monotonic() + ANSWER_SECONDS
        while left:
            assert time.monotonic() < deadline, f"{topic}: not read to its end in {ANSWER_SECONDS} s"
            for message in consumer.consume(AT_A_TIME, GATHER_SECONDS):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition())
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()
