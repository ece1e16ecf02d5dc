# waybill: sample
"""P6: the same documents give the same marts from files and from a topic, where they are shuffled and doubled."""

from __future__ import annotations

import json
import random
from pathlib import Path

from kafka import KafkaProducer

from loader.declarations import read_source, source_names
from loader.load import load
from loader.plan import Request
from pipeline.dbt.build import build
from pipeline.mart_hashes import MartHash, mart_hashes
from streaming.consumer import consume
from streaming.consuming.loop import ConsumerOptions
from streaming.consuming.metrics import ConsumerMetrics
from streaming.topics import create_topic
from tests.support.databases import fresh_database, rows
from tests.support.dbt_command import UNTESTED
from warehouse.connection import engine
from waybill.settings import PROJECT

SAMPLE = PROJECT / "data" / "raw" / "raw.json"
PARTITIONS = 2


def hashes() -> dict[str, MartHash]:
    build(*UNTESTED)
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def by_file(documents: dict[str, list[bytes]], folder: Path) -> None:
    for source, lines in documents.items():
        path = folder / f"{source}.ndjson"
        path.write_bytes(b"\n".join(lines))
        load(Request((source,), (str(path),), "ndjson"))


def by_topic(documents: dict[str, list[bytes]], server: str, prefix: str) -> None:
    chance = random.Random(6)
    producer = KafkaProducer(bootstrap_servers=server)
    for source, lines in documents.items():
        name = f"{prefix}-{source}"
        create_topic(name, PARTITIONS)
        for line in chance.sample(lines * 2, 2 * len(lines)):
            producer.send(name, line, partition=chance.randrange(PARTITIONS))
        producer.flush(30)
        declared = read_source(source).model_copy(update={"topic": name})
        consume(declared, ConsumerOptions(until_end=True), ConsumerMetrics(source))
    producer.close()


def test_a_shuffled_and_doubled_topic_gives_the_same_marts(broker: str, topic: str, tmp_path: Path) -> None:
    sample = json.loads(SAMPLE.read_bytes())
    documents = {source: [json.dumps(document).encode() for document in sample[source]] for source in source_names()}
    with fresh_database("batch"):
        by_file(documents, tmp_path)
        batch = hashes()
    with fresh_database("stream"):
        by_topic(documents, broker, topic)
        assert rows("select sum(read) from ledger.batches where feed = 'kafka'") == [
            (2 * sum(map(len, documents.values())),)
        ]
        stream = hashes()
    assert stream == batch
    assert all(entry.rows for entry in batch.values())
