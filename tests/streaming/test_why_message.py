"""`why` reports what became of every offset of a topic, and a reject from a topic can be replayed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from kafka import KafkaProducer, TopicPartition

import loader.declarations
from loader.declarations import read_source
from loader.errors import CoordinateUnknown
from loader.rejects.export import export_rejects
from loader.rejects.listing import list_rejects
from loader.rejects.replay import replay
from loader.tracing.why import why
from streaming.cluster import admin
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.message import read_message
from streaming.topics import create_topic, delete_topic
from tests.support.databases import rows
from tests.support.kafka.things import declare_things
from waybill.cli import shown_command

BOOKS = "select sum(read)::int, sum(landed)::int, sum(rejected)::int, sum(skipped)::int from ledger.batches"
GOOD = b'{"id": 1}'


class Things:
    """A topic with one partition, and the source `things` that reads it."""

    def __init__(self, topic: str, server: str) -> None:
        self.topic, self.server = topic, server

    def send(self, *values: bytes | None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.server)
        for value in values:
            producer.send(self.topic, value, key=b"k")
        producer.flush(30)
        producer.close()

    def consume(self, *, accepts_gap: bool = False) -> None:
        consume(
            read_source("things"), ConsumerOptions(until_end=True, accepts_gap=accepts_gap), ConsumerMetrics("things")
        )


def declare(folder: Path, id_type: str | list[str]) -> None:
    contract = {"type": "object", "required": ["id"], "properties": {"id": {"type": id_type}, "text": {}}}
    (folder / "things.schema.json").write_text(json.dumps(contract))


@pytest.fixture
def things(tmp_path: Path, topic: str, broker: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Things:
    declare_things(tmp_path, topic)
    declare(tmp_path, "integer")
    monkeypatch.setattr(loader.declarations, "SOURCES", tmp_path)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", tmp_path)
    create_topic(topic, 1)
    return Things(topic, broker)


def test_an_offset_of_a_batch_of_tombstones_held_no_document(things: Things) -> None:
    things.send(None, None)
    things.consume()
    assert rows(BOOKS) == [(2, 0, 0, 2)]
    with pytest.raises(CoordinateUnknown, match=f"{things.topic}:0:1 holds no document: it is a tombstone"):
        why(f"{things.topic}:0:1")
    with pytest.raises(CoordinateUnknown, match="is not landed yet"):
        why(f"{things.topic}:0:2")


def test_an_offset_in_a_gap_names_the_run_that_accepted_it(things: Things) -> None:
    things.send(GOOD)
    things.consume()
    things.send(GOOD, GOOD, GOOD)
    with admin() as client:
        client.delete_records({TopicPartition(things.topic, 0): 3})
    things.consume(accepts_gap=True)
    ((run_id,),) = rows("select run_id from ledger.gaps")
    for offset in (1, 2):
        lost, accepted = why(f"{things.topic}:0:{offset}")
        assert lost.endswith("lost before it could be landed, in the gap from 1 to 2: the log now begins at 3")
        assert f"by run {run_id} (consume things" in accepted
    assert any("landed in raw.things" in line for line in why(f"{things.topic}:0:3"))


def test_a_tombstone_of_a_recreated_topic_hides_no_document(things: Things) -> None:
    things.send(None)
    things.consume()
    delete_topic(things.topic)
    create_topic(things.topic, 1)
    things.send(GOOD)
    things.consume(accepts_gap=True)
    assert any("landed in raw.things" in line for line in why(f"{things.topic}:0:0"))


def test_a_truncated_reject_points_to_its_topic(
    things: Things, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    large = json.dumps({"id": 1, "text": "x" * 200_000}).encode()
    things.send(large)
    with monkeypatch.context() as patch:
        patch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
        things.consume()
    coordinate = f"{things.topic}:0:0"
    command = f"`{shown_command(f'message {coordinate}')}`"

    assert why(coordinate)[-1] == (
        f"source bytes: {command}, while the topic has them; ledger.rejects keeps their beginning"
    )
    assert read_message(coordinate) == large

    output: list[str] = []
    assert replay("things", None, lambda reject, why: output.append(why.detail)) == {"things": 0}
    assert output == [f"only its beginning was kept; while the topic has the message, {command} prints it"]

    with caplog.at_level(logging.WARNING):
        exported = export_rejects(list_rejects("things"), tmp_path / "out.ndjson")
    found = (exported.lines, exported.files, exported.left_out, exported.messages_left_out)
    assert found == (0, 0, 0, 1)
    assert any(f"coordinate={coordinate} " in line and command in line for line in caplog.messages)


def test_a_replayed_message_lands_once_under_its_coordinate(things: Things, tmp_path: Path) -> None:
    things.send(GOOD, b'{"id": "2"}', b"broken", None)
    things.consume()
    assert rows(BOOKS) == [(4, 1, 2, 1)]
    declare(tmp_path, ["integer", "string"])

    assert replay("things", None, lambda reject, why: None) == {"things": 1}
    assert replay("things", None, lambda reject, why: None) == {"things": 0}

    assert rows(BOOKS) == [(4, 2, 1, 1)]
    assert rows("select count(*) from ledger.batches where read <> landed + rejected + skipped") == [(0,)]
    assert rows("select _position, document ->> 'id' from raw.things order by 1") == [(0, "1"), (1, "2")]
    story = "\n".join(why(f"{things.topic}:0:1"))
    assert "rejected: breaks_contract" in story and 'checked: {"id": "2"}' in story
    assert "replayed: landed after all by batch" in story and "landed in raw.things" in story
    assert read_message(f"{things.topic}:0:1") == b'{"id": "2"}'
    things.send(GOOD)
    things.consume()
    assert rows(BOOKS) == [(5, 3, 1, 1)]
