"""Documents that few sources have, and that must stop neither loads nor erases of a source with erased keys."""

from __future__ import annotations

from pathlib import Path

from loader.load import load
from loader.plan import Request
from pipeline.erasing.asked import find_asked
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.erasing import erase, find_now, wanted

HALF = b'{"id": "\\ud800 half", "updated_at": "", "name": "Somebody"}'
NUL = b'{"id": "\\u0000 nul", "updated_at": "", "name": "Somebody"}'
KEPT = "select count(*) from ledger.rejects where erased_by is null"


def load_all() -> None:
    load(Request(("things",)))


def test_a_key_with_half_a_surrogate_pair(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), HALF, NUL]))
    load_all()
    assert erase("t1").documents == 1
    (source / "b.ndjson").write_bytes(b"\n".join([document(1), document(2), HALF]))
    load_all()
    assert landed_ids() == {"t2": 1}
    assert rows(KEPT) == [(3,)]

    erased = erase(where=("/name=Somebody",))
    assert (erased.documents, erased.rejects) == (0, 3)
    (source / "c.ndjson").write_bytes(HALF)
    load_all()
    assert rows(KEPT) == [(0,)]
    assert find_now(wanted("t2")).documents


def test_a_deep_document_with_a_number_as_key(database: str, source: Path) -> None:
    (source.parent / "declared" / "things.schema.json").write_text("{}")
    deep = [b'{"id": 1.5, "updated_at": "", "deep": ' + b"[" * depth + b"]" * depth + b"}" for depth in (900, 1022)]
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), *deep]))
    load_all()
    assert rows("select count(*) from raw.things") == [(3,)]
    assert erase("t1").documents == 1
    (source / "b.ndjson").write_bytes(deep[1])
    load_all()
    assert erase("1.5").documents == 3


def test_a_reject_leads_to_the_documents_of_its_key(database: str, source: Path) -> None:
    reject = b'{"id": "t1", "updated_at": 5, "name": "Somebody"}'
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), document(2), reject]))
    load_all()
    erased = erase(where=("/name=Somebody",))
    assert (erased.documents, erased.rejects) == (1, 1)
    assert landed_ids() == {"t2": 1}


def test_a_document_without_a_part_of_its_key_goes_alone(database: str, source: Path) -> None:
    declaration = source.parent / "declared" / "things.yml"
    declaration.write_text(declaration.read_text().replace("- /id", "- /id\n- /day"))
    (source.parent / "declared" / "things.schema.json").write_text("{}")
    lines = [
        b'{"day": "2013-01-01", "name": "Ada"}',
        b'{"day": "2013-01-01", "name": "Grace"}',
        b'{"id": "2013", "day": "01-01", "name": "Grace"}',
        b'{"id": "2013-01-01", "name": "Grace"}',
        b'{"id": null, "day": null, "name": "Ada"}',
        b'{"day": "2013-01-01", "na',
    ]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    load_all()
    found = find_now(wanted(where=("/name=Ada",)))
    assert (len(found.without_key), found.keys, found.rejects, found.perhaps) == (2, set(), [], [])
    erased = erase(where=("/name=Ada",))
    assert (erased.documents, erased.rejects) == (2, 0)
    (source / "b.ndjson").write_bytes(b"\n".join(lines[1:4]))
    load_all()
    assert rows("select count(*) from raw.things where document ->> 'name' = 'Grace'") == [(6,)]
    assert erase("2013-01-01").documents == 4
    assert find_asked(wanted("2013-01-01")).is_empty, "a repetition knows it"
    (source / "c.ndjson").write_bytes(b"\n".join(lines[:4]))
    load_all()
    assert rows("select document ->> 'id' from raw.things order by 1") == [("2013",)] * 3 + [
        ("2013-01-01",),
        (None,),
        (None,),
    ]
