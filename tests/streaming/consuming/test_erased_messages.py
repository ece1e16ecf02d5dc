"""Messages of erased keys, documents and nulls, are only counted, also by a consumer that ran before the erasure."""

from __future__ import annotations

import pytest
import yaml

from loader.errors import EraseRefused
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.erasing import erase, lift_keys
from tests.support.kafka.things import Things, thing, until

BOOKS = "select read, landed, rejected, skipped, erased, is_balanced from ledger.books"


def test_documents_and_nulls_of_an_erased_key_are_erased(things: Things) -> None:
    path = things.folder / "things.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"tombstone": "delete"}))
    things.send(thing(1), thing(2))
    things.send(None, key=b"[ 1 ]")
    things.send(None, key=b"[3]")
    things.consume()
    assert erase("1").documents == 2
    assert erase("3").documents == 1
    assert things.landed() == [2]
    assert why(f"{things.topic}:0:2")[2].startswith("erased 20")

    things.send(thing(1), thing(4), b'{"id": 1')
    things.send(None, key=b"[1]")
    assert things.consume().landed == 3

    assert things.landed() == [2, 4]
    assert rows(BOOKS) == [(8, 7, 1, 0, 5, True)]
    assert rows("select bytes = '', erased_by is not null from ledger.rejects") == [(True, True)]
    lines = why(f"{things.topic}:0:4")
    assert lines[2].startswith("its key was erased 20") and lines[2].endswith("before it arrived: it was only counted")


def test_a_running_consumer_keeps_a_key_out_at_once(things: Things) -> None:
    things.send(thing(1), thing(2))
    process = things.start()
    until(lambda: things.landed() == [1, 2])
    erase("1")
    things.send(thing(1), thing(3))
    until(lambda: things.landed() == [2, 3])
    process.terminate()
    process.communicate(timeout=60)
    assert rows(BOOKS) == [(4, 4, 0, 0, 2, True)]


def test_a_consumer_stops_if_the_secret_is_another_one(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    things.send(thing(1))
    things.consume()
    erase("1")
    things.send(thing(1), thing(2))
    with monkeypatch.context() as patch, pytest.raises(EraseRefused, match="with another secret than today's"):
        patch.setenv("WAYBILL_ERASURE_SECRET", "another secret than it was")
        things.consume()
    assert things.books() == (1, 1, 0, 0)
    things.consume()
    assert things.landed() == [2]
    assert lift_keys("1") == 1
    things.send(thing(1))
    things.consume()
    assert things.landed() == [1, 2]
