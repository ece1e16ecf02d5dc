"""Rejects of which only the beginning was kept: named if nobody can tell what they hold, emptied when it is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.erasing import erase, find_now, wanted

BOOKS = "select read, landed, rejected, skipped, undone, erased, is_balanced from ledger.books"
REJECTS = "select octet_length(bytes), erased_by is not null, replayed_by is not null from ledger.rejects"
KEPT = 64 * 1024


@pytest.fixture
def path(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A loaded file with a document of key t1, and one that is too large and names the same key at its end."""
    path = source / "a.ndjson"
    large = json.dumps({"filler": "x" * 70_000, "updated_at": "", "id": "t1"}).encode()
    path.write_bytes(document(1) + b"\n" + large)
    with monkeypatch.context() as patch:
        patch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "50000")
        load(Request(("things",)))
    assert rows(REJECTS) == [(KEPT, False, False)]
    return path


def replay_all() -> dict[str, int]:
    return replay("things", None, lambda reject, reason: None)


def test_a_reject_that_nobody_can_read_whole_is_named(path: Path) -> None:
    found = find_now(wanted("t1"))
    assert len(found.documents) == 1
    assert [(one.coordinate, one.how) for one in found.perhaps] == [(f"{path}:2", "perhaps")]
    assert found.rejects == []


def test_a_reject_is_emptied_with_the_document_replayed_from_it(path: Path) -> None:
    assert replay_all() == {"things": 1}
    assert rows(REJECTS) == [(KEPT, False, True)]
    erased = erase("t1")
    assert (erased.documents, erased.rejects) == (2, 1)
    assert rows(REJECTS) == [(0, True, True)]
    assert landed_ids() == {}
    assert rows(BOOKS) == [(2, 2, 0, 0, 0, 2, True)]


def test_a_replay_of_an_erased_key_lands_nothing(path: Path) -> None:
    assert erase("t1").rejects == 0
    assert replay_all() == {"things": 1}
    assert rows(REJECTS) == [(0, True, True)]
    assert landed_ids() == {}
    assert rows(BOOKS) == [(2, 2, 0, 0, 0, 2, True)]
    assert replay_all() == {"things": 0}
    assert "before it arrived: it was only counted" in " ".join(why(f"{path}:2"))
