"""An erased document leaves no row and no bytes in the ledger; its key may not land again (P1 gains *erased*)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from loader.undo.undo import undo
from tests.loader.conftest import CONTRACT
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.erasing import erase, find_now, lift_keys, wanted

BOOKS = "select read, landed, rejected, skipped, undone, erased, is_balanced from ledger.books"
REJECTS = """
select position, reason, detail, pointer, bytes, fingerprint::text, erased_by is not null from ledger.rejects order by 1
"""
NIL = "00000000-0000-0000-0000-000000000000"


def load_all() -> None:
    load(Request(("things",)))


def relax_contract(source: Path) -> None:
    corrected = {**CONTRACT, "properties": {**CONTRACT["properties"], "id": {"type": ["string", "integer"]}}}
    (source.parent / "declared" / "things.schema.json").write_text(json.dumps(corrected))


@pytest.fixture
def files(database: str, source: Path) -> Path:
    """A loaded file: documents of t1 (one with an unknown field) and t3, a reject of t1, and a broken line with it."""
    lines = [
        document(1, new=1),
        b'{"id": "t1", "updated_at": 5}',
        b'{"id": "t1", "upd',
        document(3),
        document(1),
        b"broken",
        b'{"id": "t12", "upd',
    ]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    load_all()
    return source


def test_an_erased_document_leaves_raw_rejects_and_drift(files: Path) -> None:
    found = find_now(wanted("t1"))
    assert (len(found.documents), [reject.how for reject in found.rejects], found.missing) == (2, ["key", "text"], [])
    assert {one.coordinate for one in found.documents.values()} == {f"{files}/a.ndjson:1", f"{files}/a.ndjson:5"}

    erased = erase("t1")

    assert (erased.documents, erased.rejects) == (2, 2)
    assert landed_ids() == {"t3": 1}
    assert rows(BOOKS) == [(7, 3, 4, 0, 0, 2, True)]
    emptied = [("breaks_contract", 2), ("not_json", 3)]
    assert [row for row in rows(REJECTS) if row[6]] == [
        (position, reason, "erased", None, b"", NIL, True) for reason, position in emptied
    ]
    assert [bytes(row[4]) for row in rows(REJECTS) if not row[6]] == [b"broken", b'{"id": "t12", "upd']
    assert rows("select * from ledger.unknown_fields") == []
    assert rows("select documents, rejects, keys, completed_at from ledger.erasures") == [(2, 2, 1, None)]


def test_an_erased_key_lands_no_more_until_it_is_lifted(files: Path) -> None:
    erase("t1")
    again = files / "b.ndjson"
    again.write_bytes(b"\n".join([document(1, other=2), document(4), b'{"id": "t1"}']))
    load_all()
    assert landed_ids() == {"t3": 1, "t4": 1}
    assert rows(BOOKS) == [(10, 5, 5, 0, 0, 3, True)]
    assert rows("select count(*), count(erased_by) from ledger.rejects") == [(5, 3)]
    assert rows("select * from ledger.unknown_fields") == []

    assert lift_keys("t1") == 1
    (files / "c.ndjson").write_bytes(document(1))
    load_all()
    assert landed_ids() == {"t1": 1, "t3": 1, "t4": 1}
    assert rows(BOOKS) == [(11, 6, 5, 0, 0, 3, True)]


def test_undo_and_reload_of_an_erased_document_balance(files: Path) -> None:
    erase("t1")
    undo(str(files / "a.ndjson"))
    assert rows(BOOKS) == [(7, 3, 4, 0, 1, 2, True)]
    load_all()
    assert landed_ids() == {"t3": 1}
    assert rows(BOOKS) == [(14, 6, 8, 0, 1, 4, True)]


def test_a_replayed_document_is_erased_with_its_reject(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b'{"id": 7, "updated_at": ""}\n{"id": 8, "updated_at": ""}')
    load_all()
    relax_contract(source)
    assert replay("things", None, lambda reject, reason: None) == {"things": 2}
    erased = erase("7")
    assert (erased.documents, erased.rejects) == (1, 1)
    assert landed_ids() == {"8": 1}
    assert rows(BOOKS) == [(2, 2, 0, 0, 0, 1, True)]
    assert [bytes(kept) for (kept,) in rows("select bytes from ledger.rejects order by position")] == [
        b"",
        b'{"id": 8, "updated_at": ""}',
    ]
    ((batch_id,),) = rows("select batch_id from ledger.batches where feed = 'replay'")
    undo(str(batch_id))
    assert rows(BOOKS) == [(2, 0, 2, 0, 0, 0, True)]
    assert rows("select position from ledger.open_rejects") == [(2,)]
    assert replay("things", None, lambda reject, reason: None) == {"things": 1}
    assert landed_ids() == {"8": 1}
