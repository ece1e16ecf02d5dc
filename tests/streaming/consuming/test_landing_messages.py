"""The consumer lands each message once, whatever its form, and rejects what it cannot land."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from streaming.cluster import admin
from streaming.consuming.landing import land_poll
from streaming.topics import create_topic, delete_topic
from tests.support.databases import rows
from tests.support.kafka.things import Things, thing


def test_messages_land_once_and_rejects_name_their_coordinate(things: Things) -> None:
    bad = [b'{"id": 1, "text": "\\u0000"}', b"\xff", b"", b'{"text": 1}', b'{"id": 1} {"id": 2}']
    things.send(thing(1), *bad, None, thing(2), key=b"k", headers=[("trace", b"\x00\xff")])
    things.send(thing(3), thing(4), partition=1)
    health = things.consume()
    assert (health.landed, health.rejected, health.skipped, health.lag) == (4, 5, 1, 0)
    assert things.landed() == [1, 2, 3, 4]
    assert things.books() == (10, 4, 5, 1)
    named = rows("select coordinate, reason, bytes from ledger.open_rejects order by position")
    reasons = ["not_storable", "not_utf8", "not_json", "breaks_contract", "not_json"]
    expected = [
        (f"{things.topic}:0:{1 + index}", reason, raw)
        for index, (reason, raw) in enumerate(zip(reasons, bad, strict=True))
    ]
    assert [(name, reason, bytes(raw)) for name, reason, raw in named] == expected
    again = things.consume()
    assert (again.landed, again.rejected, again.skipped) == (0, 0, 0)


def test_the_position_comes_from_the_ledger_not_from_kafka(things: Things) -> None:
    things.send(thing(1), thing(2))
    things.consume()
    with admin() as client:
        groups = client.list_group_offsets(["waybill-things"])["waybill-things"]
        assert groups[TopicPartition(things.topic, 0)].offset == 2
        client.alter_group_offsets("waybill-things", {TopicPartition(things.topic, 0): OffsetAndMetadata(0, "", -1)})
    things.send(thing(3))
    assert things.consume().landed == 1
    assert things.consume(group="another").landed == 0
    assert things.landed() == [1, 2, 3]


def test_a_document_postgresql_refuses_is_one_reject(things: Things) -> None:
    deep = b'{"id": 5, "text": ' + b"[" * 900 + b"]" * 900 + b"}"
    refused = b'{"id": 6, "text": 1e-200000}'
    things.send(thing(1), refused, deep, thing(2))
    things.consume()
    assert things.landed() == [1, 2, 5]
    assert rows("select position, reason from ledger.rejects") == [(1, "not_storable")]
    assert things.books() == (4, 3, 1, 0)


def test_poison_messages_block_no_partition(things: Things) -> None:
    deep = b"[" * 300 + b"]" * 300
    breach = b'{"id": %s}' % deep
    unstorable = [rb'{"id": 5, "text": ["\u0000", %s]}' % deep, rb'{"id": 6, "text": ["\ud800", %s]}' % deep]
    things.send(thing(1), breach, *unstorable, b'{"id": 1e400, "text": %s}' % (b"[" * 5_000), thing(2))
    things.send(thing(3), breach, partition=1)
    assert things.consume().lag == 0
    assert things.landed() == [1, 2, 3]
    assert rows("select reason from ledger.open_rejects order by coordinate") == [
        ("breaks_contract",), ("not_storable",), ("not_storable",), ("not_storable",), ("breaks_contract",),
    ]  # fmt: skip


def test_until_end_ends_only_when_everything_has_landed(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(*map(thing, range(10)))

    def land_after_a_rival(connection: Any, ranges: Any) -> Any:
        if not rows("select 1 from ledger.batches"):
            with connection, connection.cursor() as cursor:  # another consumer has landed five messages and died
                cursor.execute("update ledger.inputs set next_position = 5 where next_position = 0 and partition = 0")
        return land_poll(connection, ranges)

    monkeypatch.setattr("streaming.consuming.writer.land_poll", land_after_a_rival)
    things.consume()
    assert things.landed() == list(range(5, 10))


def test_an_impossible_timestamp_is_left_out(things: Things) -> None:
    delete_topic(things.topic)
    create_topic(things.topic, 2, configs={"message.timestamp.after.max.ms": str(2**63 - 1)})
    things.send(thing(1), timestamp_ms=1_700_000_000_000_000)  # microseconds
    things.send(thing(2), timestamp_ms=1_700_000_000_000, partition=1)
    things.consume()
    assert things.landed() == [1, 2]
    sent = "select extract(epoch from sent_at)::bigint from ledger.batches join ledger.inputs using (input_id) order by partition"
    assert rows(sent) == [(None,), (1_700_000_000,)]


def test_every_compression_is_read(things: Things) -> None:
    packings = ("gzip", "snappy", "lz4", "zstd")
    for number, packing in enumerate(packings):
        producer = Producer({"bootstrap.servers": things.server, "compression.type": packing, "linger.ms": 50})
        for _ in range(20):
            producer.produce(things.topic, thing(number), partition=0)
        assert producer.flush(30) == 0
    assert things.consume().landed == 20 * len(packings)
