"""P6 for a source without a version: the same order of delivery gives the same documents from a file and a topic."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from kafka import KafkaProducer

from loader.declarations import read_source
from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.topics import create_topic
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import delivered

CURRENT = "select document_key, value from intermediate.int_things_deduplicated where outcome = 'current' order by 1"


def current(project: OwnProject) -> list[tuple[str, str]]:
    built = project.run("build")
    assert built.success, built.exception or failures(built)
    return query(CURRENT)


def test_the_same_order_gives_the_same_documents(
    broker: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliver values that change and change back, doubled in the topic, with a dbt run in between."""
    chance = random.Random(13)
    lines = [json.dumps({"id": f"k{chance.randrange(30)}", "value": chance.choice("abc")}).encode() for _ in range(400)]
    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path))
    project = OwnProject(tmp_path, monkeypatch)
    project.add_source(*delivered("things"))
    with fresh_database("batch"):
        (tmp_path / "things.ndjson").write_bytes(b"\n".join(lines))
        load(Request(("things",), (str(tmp_path / "things.ndjson"),)))
        batch = current(project)
    with fresh_database("stream"):
        make_raw_tables()
        create_topic(topic, 1)
        producer = KafkaProducer(bootstrap_servers=broker)
        source = read_source("things").model_copy(update={"topic": topic})
        for half in (lines[:200], lines[200:]):
            for line in half:
                producer.send(topic, line)
                producer.send(topic, line)
            producer.flush(30)
            consume(source, ConsumerOptions(until_end=True), ConsumerMetrics("things"))
            stream = current(project)
        producer.close()
    assert len(batch) == 30
    assert stream == batch
