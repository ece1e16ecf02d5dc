"""Reads how far topics reach, so that they can be compared with the ledger. Nothing is consumed, no group is joined."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import InvalidTopicError, UnknownTopicOrPartitionError, for_code

from streaming.cluster import client_options, is_serving, translate_kafka_errors
from streaming.errors import BrokerAway

ANSWER_MS = 3_000
POLL_MS = 200
READ_COMMITTED = {"group_id": None, "enable_auto_commit": False, "isolation_level": "read_committed"}  # as consumers do
UNKNOWN = (UnknownTopicOrPartitionError.errno, InvalidTopicError.errno)


@dataclass(frozen=True)
class PartitionEnd:
    """The offsets of one partition: where its log begins and ends.

    `recent` is the offset of the first message that was sent after the moment asked for; None if there is none.
    """

    begin: int
    end: int
    recent: int | None


@dataclass(frozen=True)
class TopicEnd:
    """A topic's id, and partition → its offsets."""

    topic_id: UUID
    partitions: dict[int, PartitionEnd]


def read_topic_ends(topics: Collection[str], moment: datetime) -> dict[str, TopicEnd]:
    """Return topic → its id and offsets, without the topics that the broker does not have.

    The answer takes a few seconds at most. Without a topic, only whether a broker answers is found out. The end of a
    partition may be after markers of transactions, which no consumer lands: see `holds_message`.

    Raises:
        BrokerUnreachable: no broker answers, the connection is refused, or a topic is deleted at this moment.
    """
    options = client_options()
    if not any(map(is_serving, options["bootstrap_servers"])):
        raise BrokerAway(f"no broker answers at {', '.join(options['bootstrap_servers'])}")
    if not topics:
        return {}
    with translate_kafka_errors(options), _clients(options) as (admin, consumer):
        described = [topic for topic in admin.describe_topics(list(topics)) if topic["error_code"] not in UNKNOWN]
        for topic in described:
            if topic["error_code"]:
                raise for_code(topic["error_code"])(topic["name"])
        numbers = {topic["name"]: [one["partition_index"] for one in topic["partitions"]] for topic in described}
        try:
            offsets = _read_offsets(consumer, numbers, int(moment.timestamp() * 1000))
        except UnknownTopicOrPartitionError:
            raise BrokerAway(f"one of the topics {', '.join(numbers)} is being deleted") from None
        return {topic["name"]: TopicEnd(UUID(str(topic["topic_id"])), offsets[topic["name"]]) for topic in described}


def holds_message(topic: str, partition: int, offset: int) -> bool:
    """Return whether a partition holds a message at an offset or after it, which markers of transactions are not.

    True, too, if this cannot be found out within ANSWER_MS.

    Raises:
        BrokerUnreachable: no broker answers, or the connection is refused.
    """
    options, tp = client_options(), TopicPartition(topic, partition)
    deadline = time.monotonic() + ANSWER_MS / 1000
    with translate_kafka_errors(options):
        consumer = KafkaConsumer(**options, **READ_COMMITTED, bootstrap_timeout_ms=ANSWER_MS)
        try:
            consumer.assign([tp])
            end = consumer.end_offsets([tp], timeout_ms=ANSWER_MS)[tp]
            consumer.seek(tp, offset)
            while time.monotonic() < deadline:
                if consumer.poll(POLL_MS, max_records=1):
                    return True
                if (consumer.position(tp) or 0) >= end:
                    return False
            return True
        finally:
            consumer.close()


def _read_offsets(
    consumer: KafkaConsumer, numbers: dict[str, list[int]], moment_ms: int
) -> dict[str, dict[int, PartitionEnd]]:
    partitions = [TopicPartition(topic, number) for topic, found in numbers.items() for number in found]
    if not partitions:
        return {topic: {} for topic in numbers}
    begins = consumer.beginning_offsets(partitions, timeout_ms=ANSWER_MS)
    recent = consumer.offsets_for_times(dict.fromkeys(partitions, moment_ms), timeout_ms=ANSWER_MS)
    ends = consumer.end_offsets(partitions, timeout_ms=ANSWER_MS)
    return {
        topic: {
            one.partition: PartitionEnd(begins[one], ends[one], recent[one].offset if recent.get(one) else None)
            for one in partitions
            if one.topic == topic
        }
        for topic in numbers
    }


@contextmanager
def _clients(options: dict[str, Any]) -> Iterator[tuple[KafkaAdminClient, KafkaConsumer]]:
    admin = KafkaAdminClient(**options, bootstrap_timeout_ms=ANSWER_MS)
    try:
        consumer = KafkaConsumer(**options, **READ_COMMITTED, bootstrap_timeout_ms=ANSWER_MS)
        try:
            yield admin, consumer
        finally:
            consumer.close()
    finally:
        admin.close()
