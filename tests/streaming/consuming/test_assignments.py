"""A rebalance takes partitions away at once: they count neither for the lag nor for the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from streaming.consuming.assignments import Assignment, Assignments
from tests.support.kafka.things import Things, thing

END = 10


@pytest.fixture
def client(things: Things) -> Iterator[KafkaConsumer]:
    """Return a client that holds both partitions of a topic with ten messages in each."""
    for partition in (0, 1):
        things.send(*map(thing, range(END)), partition=partition)
    with closing(KafkaConsumer(bootstrap_servers=things.server, enable_auto_commit=False)) as client:
        client.assign([TopicPartition(things.topic, number) for number in (0, 1)])
        yield client


def started(client: KafkaConsumer, topic: str) -> Assignments:
    """Return the assignments after both partitions were assigned and started at the first offset."""
    assignments = Assignments(client, topic)
    assignments.on_partitions_assigned([TopicPartition(topic, 0), TopicPartition(topic, 1)])
    assignments.apply_rebalances()
    assert assignments.new == {0, 1}
    assignments.start({number: Assignment(uuid4(), offset=0, end=END, landed=0) for number in (0, 1)})
    return assignments


def take_away(client: KafkaConsumer, assignments: Assignments, topic: str) -> None:
    """Do what the client does when the group gives partition 1 to another member."""
    assignments.on_partitions_revoked([TopicPartition(topic, 1)])
    client.assign([TopicPartition(topic, 0)])
    assignments.apply_rebalances()


def test_a_revoked_partition_has_no_lag_and_no_offset(things: Things, client: KafkaConsumer) -> None:
    assignments = started(client, things.topic)
    assert assignments.lags() == {0: END, 1: END}
    take_away(client, assignments, things.topic)
    assert assignments.lags() == {0: END}
    assert assignments.offsets() == {0: 0}
    assert assignments.get(1) is None


def test_the_end_does_not_wait_for_a_revoked_partition(things: Things, client: KafkaConsumer) -> None:
    assignments = started(client, things.topic)
    client.seek(TopicPartition(things.topic, 0), END)
    assert not assignments.are_at_end()
    take_away(client, assignments, things.topic)
    assignments.on_partitions_assigned([])
    assignments.apply_rebalances()
    assert assignments.are_at_end()


def test_a_partition_that_comes_back_is_new(things: Things, client: KafkaConsumer) -> None:
    assignments = started(client, things.topic)
    take_away(client, assignments, things.topic)
    client.assign([TopicPartition(things.topic, number) for number in (0, 1)])
    assignments.on_partitions_assigned([TopicPartition(things.topic, 1)])
    assignments.apply_rebalances()
    assert assignments.new == {1}
    assert assignments.offsets() == {0: 0}
    assert not assignments.are_at_end()
