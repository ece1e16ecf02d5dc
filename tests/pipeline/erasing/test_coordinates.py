"""An erase lists where its documents and rejects came from: FILE:LINE and topic:partition:offset."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from loader.checking.contracts import read_contract
from loader.declarations import read_source
from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from pipeline.erasing.finishing.coordinates import list_coordinates
from streaming.consuming.landing import PartitionBatch, TopicFeed, batch_from_records, land_poll
from streaming.consuming.positions import find_position
from streaming.topics import Topic
from tests.loader.conftest import source  # noqa: F401
from tests.support.documents import document
from tests.support.erasing import erase, find_now, wanted
from warehouse.connection import connect, cursor_of
from warehouse.runs import recorded_run

REJECT = b'{"id": "t1", "updated_at": 5}'


def land_messages(partition: int, *values: bytes) -> None:
    """Land messages of the topic `sold` as the consumer does; their offsets begin at 0."""
    things = read_source("things")
    topic = Topic("sold", UUID(int=1), (0, 1))
    records = [SimpleNamespace(offset=i, key=None, value=value, timestamp=None) for i, value in enumerate(values)]
    with recorded_run("consume things") as run_id:
        feed = TopicFeed(things, read_contract(things), 1 << 20, run_id)
        with cursor_of("loader") as cursor:
            input_id = find_position(cursor, "things", topic, partition).input_id
        connection = connect("loader")
        land_poll(connection, [PartitionBatch(partition, 0, batch_from_records(records, feed, input_id, 0))])
        connection.close()


def coordinates_of_erased(key: str) -> list[str]:
    return list(list_coordinates(erase(key).erasure_id))


@pytest.mark.usefixtures("database", "source")
def test_messages_are_listed_by_topic_partition_and_offset() -> None:
    make_raw_tables()
    land_messages(0, document(2), document(1), REJECT)
    land_messages(1, document(1), document(3))
    found = find_now(wanted("t1"))
    assert sorted(one.coordinate for one in found.documents.values()) == ["sold:0:1", "sold:1:0"]
    assert [one.coordinate for one in found.rejects] == ["sold:0:2"]
    assert coordinates_of_erased("t1") == ["sold:0:1", "sold:0:2", "sold:1:0"]


def test_a_file_that_is_gone_is_listed_as_such(database: str, source: Path) -> None:  # noqa: F811
    for name in ("a.ndjson", "b.ndjson"):
        (source / name).write_bytes(b"\n".join([document(2, of=name), document(1, of=name)]))
    load(Request(("things",)))
    (source / "b.ndjson").unlink()
    assert coordinates_of_erased("t1") == [f"{source}/a.ndjson:2", f"{source}/b.ndjson:2 (the file is not there)"]
