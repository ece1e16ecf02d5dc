"""Sends messages to a topic, consumes them, and compares what the warehouse holds with what was sent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaProducer

from loader.declarations import read_source
from streaming.cluster import admin
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.topics import create_topic
from tests.support.databases import rows
from waybill.settings import PROJECT

CONTRACT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "text": {}}}
TO_END = ConsumerOptions(until_end=True)


class Things:
    """Sends messages of the source `things`, consumes them, and reads what landed."""

    def __init__(self, folder: Path, topic: str, server: str) -> None:
        self.folder, self.topic, self.server = folder, topic, server

    def send(self, *values: bytes | None, partition: int = 0, **options: Any) -> None:
        producer = KafkaProducer(bootstrap_servers=self.server)
        for value in values:
            producer.send(self.topic, value, partition=partition, **options)
        producer.flush(30)
        producer.close()

    def consume(self, terms: ConsumerOptions = TO_END, group: str | None = None) -> ConsumerMetrics:
        metrics = ConsumerMetrics("things")
        consume(read_source("things"), terms, metrics, group)
        return metrics

    def start(self, *arguments: str, poll_records: int | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.kafka.consume", str(self.folder)]
        command += [*([str(poll_records)] if poll_records else []), "things", *arguments]
        return subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE)

    def landed(self) -> list[int]:
        return [number for (number,) in rows("select (document ->> 'id')::int from raw.things order by 1")]

    def books(self) -> tuple[int, int, int, int]:
        query = "select sum(read)::int, sum(landed)::int, sum(rejected)::int, sum(skipped)::int from ledger.batches"
        return rows(query)[0]  # type: ignore[return-value]


def declare_things(folder: Path, topic: str) -> None:
    """Write the declaration and the contract of the source `things`, which comes from this topic."""
    declaration = {
        "source": "things", "description": "Things.", "contract": "things.schema.json", "topic": topic,
        "key": ["/id"], "version": "/id",
    }  # fmt: skip
    (folder / "things.yml").write_text(yaml.safe_dump(declaration))
    (folder / "things.schema.json").write_text(json.dumps(CONTRACT))


def thing(number: int) -> bytes:
    return json.dumps({"id": number}).encode()


def until(condition: Any, seconds: float = 60, pause: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception as error:
            if "does not exist" not in str(error):
                raise
        time.sleep(pause)
    raise AssertionError("it did not come about in time")


def recreate_topic(things: Things) -> None:
    with admin() as client:
        client.delete_topics([things.topic])
    create_topic(things.topic, 2)
