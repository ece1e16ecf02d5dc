"""Nulls of a source that declares `tombstone: delete` land with their message key, or are rejects that name it."""

from __future__ import annotations

import json

import pytest
import yaml

from loader.declarations import read_source
from loader.landing.nulls import key_problem
from loader.rejects.replay import replay
from loader.tracing.why import why
from loader.undo.undo import undo
from streaming.message import read_message
from tests.support.databases import rows
from tests.support.kafka.things import Things, thing

NULLS = "select _position, document::text, _message_key::text from raw.things where document = 'null' order by 1"
UNREADABLE = {
    b"": "not_json",
    b"k": "not_json",
    b"\xff": "not_json",
    b"5": "breaks_contract",
    b"[]": "breaks_contract",
    b"[1, 2]": "breaks_contract",
    b"[null]": "breaks_contract",
    b"[[1]]": "breaks_contract",
    b'["\\u0000"]': "breaks_contract",
    b'["\\ud800"]': "not_json",
    b"[1e999]": "not_json",
}


@pytest.fixture
def deleting(things: Things) -> Things:
    """Return the source `things`, which declares `tombstone: delete`."""
    declare(things, tombstone="delete")
    return things


def declare(things: Things, **values: object) -> None:
    path = things.folder / "things.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def test_a_null_lands_with_its_message_key(deleting: Things) -> None:
    deleting.send(thing(1))
    deleting.send(None, key=b"[1]")
    deleting.send(None, key=b'[ "two" ]', partition=1)
    deleting.send(None, key=b"[123456789012345678901234567890.5]", partition=1)
    assert deleting.consume().landed == 4
    assert deleting.books() == (4, 4, 0, 0)
    assert [found[1:] for found in rows(NULLS)] == [
        ("null", '["two"]'),
        ("null", "[1]"),
        ("null", "[123456789012345678901234567890.5]"),
    ]
    assert deleting.consume().landed == 0
    assert read_message(f"{deleting.topic}:0:1") == b"[1]"
    lines = "\n".join(why(f"{deleting.topic}:0:1"))
    assert "landed in raw.things" in lines
    assert f"message {deleting.topic}:0:1" in lines


def test_a_null_whose_key_cannot_be_read_is_a_reject(deleting: Things) -> None:
    for key in UNREADABLE:
        deleting.send(None, key=key)
    deleting.send(thing(1))
    health = deleting.consume()
    assert (health.landed, health.rejected, health.skipped) == (1, len(UNREADABLE), 0)
    found = rows("select reason, detail, bytes, pointer from ledger.rejects order by position")
    assert [(bytes(kept), reason) for reason, _, kept, _ in found] == [
        (key, reason) for key, reason in UNREADABLE.items()
    ]
    assert {pointer for *_, pointer in found} == {"(message key)"}
    assert all(detail.startswith("a null whose key ") and "/id" in detail for _, detail, *_ in found)
    assert key_problem(read_source("things"), None) == key_problem(read_source("things"), b"")
    assert replay("things", None, lambda reject, reason: None) == {"things": 0}
    assert "a null whose key is not a JSON array with /id" in "\n".join(why(f"{deleting.topic}:0:2"))


def test_a_rejected_null_can_be_replayed_after_a_fix(deleting: Things) -> None:
    declare(deleting, key=["/id", "/text"], version="delivery")
    deleting.send(None, key=b"[1]")
    deleting.send(None, key=b'{"id": 1}')
    assert deleting.consume().rejected == 2
    declare(deleting, key=["/id"])
    assert replay("things", None, lambda reject, reason: None) == {"things": 1}
    assert rows(NULLS) == [(0, "null", "[1]")]
    assert deleting.books() == (2, 1, 1, 0)
    assert replay("things", None, lambda reject, reason: None) == {"things": 0}


def test_a_null_is_skipped_unless_the_source_declares_it(things: Things) -> None:
    things.send(None, key=b"[1]")
    things.send(thing(1))
    assert things.consume().skipped == 1
    declare(things, tombstone="delete")
    things.send(None, key=b"[2]")
    assert things.consume().landed == 1
    assert rows(NULLS) == [(2, "null", "[2]")]
    assert rows("select count(*) from raw.things where _message_key is null") == [(1,)]


def test_a_document_refused_by_postgresql_keeps_no_null_back(deleting: Things) -> None:
    deleting.send(b'{"id": 6, "text": 1e-200000}')
    deleting.send(None, key=json.dumps([6]).encode())
    assert deleting.consume().landed == 1
    assert deleting.books() == (2, 1, 1, 0)
    ((batch,),) = rows("select batch_id::text from ledger.batches where landed > 0")
    undo(batch)
    assert rows(NULLS) == []
