"""`tombstone: delete`: a null that is delivered after all documents of its key takes them out, whatever their version."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from loader.declarations import Source, read_source
from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from pipeline.accounting import accounting
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.producing.documents import business_key
from streaming.topics import create_topic
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import delivered, versioned
from warehouse.connection import engine

Sent = tuple[str, dict[str, Any] | None]  # a key, and the document or a null

CURRENT = "select document_key, value from intermediate.int_things_deduplicated where outcome = 'current' order by 1"
OUTCOMES = """
    select _position, outcome, outcome_reason, surviving_position
    from intermediate.int_things_deduplicated
    order by 1
"""


@dataclass
class Stream:
    """The source `things` with its topic and its models."""

    project: OwnProject
    source: Source
    producer: KafkaProducer

    def deliver(self, *sent: Sent) -> None:
        """Send documents and nulls with the keys that our producer writes, land them, and run the models."""
        for key, document in sent:
            raw = json.dumps(document or {"id": key}).encode()
            self.producer.send(self.source.topic, document and raw, key=business_key(self.source, raw))
        self.producer.flush(30)
        consume(self.source, ConsumerOptions(until_end=True), ConsumerMetrics("things"))
        built = self.project.run("build")
        assert built.success, built.exception or failures(built)


@pytest.fixture
def stream(
    request: pytest.FixtureRequest, broker: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stream]:
    """Return the source with a version, or without one where a test asks for it."""
    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path))
    project = OwnProject(tmp_path, monkeypatch)
    is_versioned = getattr(request, "param", True)
    declaration, contract, staging = versioned("things", "integer") if is_versioned else delivered("things")
    project.add_source(f"{declaration}topic: {topic}\ntombstone: delete\n", contract, staging)
    with fresh_database():
        make_raw_tables()
        create_topic(topic, 1)
        producer = KafkaProducer(bootstrap_servers=broker)
        yield Stream(project, read_source("things"), producer)
        producer.close()


def thing(key: str, value: str, changed: int = 1) -> Sent:
    return key, {"id": key, "value": value, "changed": changed}


def test_the_newest_delivery_decides_whether_a_key_is_deleted(stream: Stream) -> None:
    stream.deliver(thing("a", "x", 5), thing("b", "x", 5), ("a", None), thing("b", "y", 3), ("c", None))
    assert query(CURRENT) == [("b", "x")]
    assert query(OUTCOMES) == [
        (0, "superseded", None, 2),
        (1, "current", None, None),
        (2, "filtered", "deleted by its source", None),
        (3, "superseded", None, 1),
        (4, "filtered", "deleted by its source", None),
    ]
    stream.deliver(("b", None), thing("a", "z", 4), ("c", None))
    assert query(CURRENT) == [("a", "x")]  # the newest delivery is a document again: the highest version is current
    assert query(OUTCOMES) == [
        (0, "current", None, None),
        (1, "superseded", None, 5),
        (2, "superseded", None, 0),
        (3, "superseded", None, 5),
        (4, "duplicate", None, 7),
        (5, "filtered", "deleted by its source", None),
        (6, "superseded", None, 0),
        (7, "filtered", "deleted by its source", None),
    ]
    with engine("reader").connect() as connection:
        (account,) = accounting(connection)
    assert (account.verdict, account.landed) == ("balanced", 8)


@pytest.mark.parametrize("stream", [True, False], ids=["version", "delivery"], indirect=True)
def test_deletions_in_a_stream_equal_the_documents_that_are_left(stream: Stream, tmp_path: Path) -> None:
    """Deliver documents and nulls at random, all doubled, in three runs; a file with what is left gives the same."""
    chance = random.Random(5)
    has_version = stream.source.version != "delivery"
    sent: list[Sent] = []
    for number in range(300):
        key = f"k{chance.randrange(25)}"
        sent.append((key, None) if chance.random() < 0.3 else thing(key, chance.choice("abc"), number))
    for start in (0, 100, 200):
        stream.deliver(*(message for message in sent[start : start + 100] for _ in range(2)))
    stream_rows = query(CURRENT)
    last = dict(sent)
    left = [document for key, document in sent if document and last[key]]
    with fresh_database("batch"):
        (tmp_path / "things.ndjson").write_bytes(b"\n".join(json.dumps(document).encode() for document in left))
        load(Request(("things",), (str(tmp_path / "things.ndjson"),)))
        built = stream.project.run("build")
        assert built.success, built.exception or failures(built)
        assert query(CURRENT) == stream_rows
    assert len(stream_rows) == sum(document is not None for document in last.values())
    assert has_version or dict(stream_rows) == {key: document["value"] for key, document in last.items() if document}
