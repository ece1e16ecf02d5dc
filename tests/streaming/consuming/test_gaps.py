"""A gap in the offsets stops the consumer; offsets that Kafka itself leaves out do not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import (
    OffsetOutOfRangeError,
)

from loader.declarations import read_source
from loader.errors import CoordinateUnknown
from streaming.cluster import admin
from streaming.consumer import consume
from streaming.consuming import ledger_offsets
from streaming.consuming.gaps import accept_gap, find_gap
from streaming.consuming.landing import land_poll
from streaming.consuming.ledger_offsets import load_assignments
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.errors import (
    GapFound,
    MessageUnreadable,
)
from streaming.message import read_message
from streaming.topics import create_topic, delete_topic
from tests.crash.chaos_rounds import COMPACTED
from tests.support.databases import rows
from tests.support.kafka.independent_client import read_topic
from tests.support.kafka.things import Things, thing, until
from warehouse.connection import connect, cursor_of
from warehouse.logins import Role


def test_a_gap_stops_it_until_accepted_and_recorded(things: Things) -> None:
    things.send(*map(thing, range(10)))
    things.consume()
    things.send(*map(thing, range(10, 20)))
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 15})
    with pytest.raises(GapFound, match=r":0: offset 10 comes next, but the log now begins at 15: .*--accept-gap"):
        things.consume()
    assert things.landed() == list(range(10))
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 5
    assert things.landed() == [*range(10), *range(15, 20)]
    assert rows("select first_position, next_position, reason from ledger.gaps") == [
        (10, 15, "the log now begins at 15")
    ]


def test_a_gap_of_a_single_offset_stops_it_too(things: Things) -> None:
    things.send(*map(thing, range(10)))
    things.consume()
    things.send(thing(10), thing(11))
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 11})
    stopped = things.start("--until-end")  # a consumer that took no notice would not end
    try:
        output = stopped.communicate(timeout=60)[1].decode()
    finally:
        stopped.kill()
    assert ":0: offset 10 comes next, but the log now begins at 11: " in output
    assert things.landed() == list(range(10))
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 1
    assert rows("select first_position, next_position from ledger.gaps") == [(10, 11)]


@pytest.mark.parametrize(
    ("offset", "log_start", "log_end", "next_offset"),
    [(10, 10, 12, None), (10, 9, 10, None), (10, 10, 10, None), (0, 0, 0, None), (10, 11, 12, 11), (10, 0, 9, 9),
     (0, 1, 1, 1), (1, 0, 0, 0)],
)  # fmt: skip
def test_a_gap_is_found_to_the_offset(offset: int, log_start: int, log_end: int, next_offset: int | None) -> None:
    found = find_gap(offset, log_start, log_end)
    assert (found and found.next) == next_offset


def test_messages_landed_by_another_consumer_are_not_a_gap(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(5)))
    things.consume()

    def connect_late(role: Role) -> Any:
        monkeypatch.setattr(ledger_offsets, "cursor_of", cursor_of)
        things.send(*map(thing, range(5, 8)))
        things.consume(group="rival")
        return cursor_of(role)

    monkeypatch.setattr(ledger_offsets, "cursor_of", connect_late)
    things.consume()
    assert things.landed() == list(range(8))


def test_a_gap_another_consumer_accepted_is_recorded_once(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))
    things.consume()
    things.send(*map(thing, range(10, 20)))
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 15})

    def accept_after_a_rival(*arguments: Any) -> int:
        rival = connect("loader")
        with rival, rival.cursor() as cursor:
            cursor.execute("update ledger.inputs set next_position = 15 where next_position = 10")
        rival.close()
        return accept_gap(*arguments)

    monkeypatch.setattr("streaming.consuming.ledger_offsets.accept_gap", accept_after_a_rival)
    assert things.consume(ConsumerOptions(until_end=True, accepts_gap=True)).landed == 5
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_only_a_truncated_partition_is_assigned_again(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))
    things.send(thing(10), partition=1)
    poll, taken, seen = KafkaConsumer.poll, [], []

    def land_slowly(connection: Any, ranges: Any) -> Any:
        time.sleep(1)
        return land_poll(connection, ranges)

    def poll_a_cut_log(consumer: KafkaConsumer, **options: Any) -> Any:
        if len(seen) == 1:
            seen.append({})
            raise OffsetOutOfRangeError({TopicPartition(things.topic, 0): 10})
        found = poll(consumer, **options)
        if TopicPartition(things.topic, 0) in found:
            seen.append(found)
        return found

    def load_seen(consumer: Any, watch: Any, partitions: list[int], *origin: Any, **options: Any) -> Any:
        position = "select coalesce(max(next_position), 0)::int from ledger.inputs where partition = 0"
        taken.append((partitions, *rows(position)[0]))
        return load_assignments(consumer, watch, partitions, *origin, **options)

    monkeypatch.setattr("streaming.consuming.writer.land_poll", land_slowly)
    monkeypatch.setattr("streaming.consuming.loop.load_assignments", load_seen)
    monkeypatch.setattr(KafkaConsumer, "poll", poll_a_cut_log)
    assert things.consume().landed == 11
    assert taken == [([0, 1], 0), ([0], 10)]


def test_a_record_the_client_cannot_parse_is_named(things: Things) -> None:
    class NotText(str):
        def encode(self, *anything: Any) -> bytes:
            return b"\xff"

    things.send(thing(1))
    things.consume()
    things.send(thing(2), headers=[(NotText("name"), b"")])
    with pytest.raises(MessageUnreadable, match=rf"at or after {things.topic}:0:1.* cannot be read .*--accept-gap"):
        consume(read_source("things"), ConsumerOptions(), ConsumerMetrics("things"))
    with pytest.raises(CoordinateUnknown):
        read_message(f"{things.topic}:0:1")
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 2})
    things.send(thing(3))
    things.consume(ConsumerOptions(until_end=True, accepts_gap=True))
    assert things.landed() == [1, 3]
    assert rows("select count(*) from ledger.gaps") == [(1,)]


def test_aborted_transactions_are_not_gaps(things: Things) -> None:
    producer = KafkaProducer(bootstrap_servers=things.server, transactional_id=things.topic, acks="all")
    producer.init_transactions()
    for number, is_committed in enumerate([True, False, True, False]):
        producer.begin_transaction()
        for part in range(3):
            producer.send(things.topic, thing(10 * number + part), partition=0)
        producer.flush(30)
        producer.commit_transaction() if is_committed else producer.abort_transaction()
    producer.close()
    assert things.consume().landed == 6
    assert things.landed() == [0, 1, 2, 20, 21, 22]
    things.send(thing(99))
    assert things.consume().landed == 1
    assert rows("select count(*) from ledger.gaps") == [(0,)]


def test_compacted_offsets_are_not_gaps(things: Things) -> None:
    delete_topic(things.topic)
    create_topic(things.topic, 1, configs=COMPACTED)

    def send_for_every_key(numbers: range) -> None:
        producer = KafkaProducer(bootstrap_servers=things.server)
        for number in numbers:
            producer.send(things.topic, thing(number), key=b"%d" % (number % 10)).get(30)
        producer.close()
        time.sleep(0.3)  # the next message begins a new segment, so that this one can be compacted

    def held() -> list[int]:
        return [offset for _, offset, _ in read_topic(things.server, things.topic)]

    send_for_every_key(range(10))
    assert things.consume().landed == 10
    send_for_every_key(range(10, 30))
    send_for_every_key(range(30, 35))
    things.send(thing(35), key=b"last")
    left = [*range(25, 35), 35]
    until(lambda: held() == left)
    assert things.consume().landed == len(left)
    assert things.landed() == [*range(10), *left]
    assert rows("select count(*) from ledger.gaps") == [(0,)]
    assert things.consume().landed == 0
