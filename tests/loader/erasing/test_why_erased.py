"""`why` says of an erased document when it was erased, and of one with an erased key that it was only counted (P8)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from loader.erasing.erase import complete
from loader.erasing.finding import find
from loader.load import load
from loader.plan import Request
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.documents import document
from tests.support.erasing import erase, find_now, wanted
from warehouse.connection import connect


@pytest.fixture
def path(database: str, source: Path) -> Path:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join([document(1), document(2), b'{"id": "t1", "updated_at": 5}']))
    load(Request(("things",)))
    return path


def test_why_says_when_a_document_was_erased(path: Path) -> None:
    erasure = erase("t1").erasure_id
    for position in (1, 3):
        lines = why(f"{path}:{position}")
        erased = [line for line in lines if line.startswith("erased 20")]
        assert erased[0].endswith(f", erasure {erasure}")
        assert lines[-1].startswith("copies may be left until this erasure is complete: `")
        assert "2013" not in "".join(lines[3:])
    with closing(connect("keeper")) as keeper:
        complete(keeper, erasure, {})
    assert why(f"{path}:1")[-1].startswith("erased 20")
    assert why(f"{path}:2")[-1].startswith("not yet transformed") or "landed in raw" in "".join(why(f"{path}:2"))


def test_why_says_that_a_key_was_erased_before_it_arrived(path: Path) -> None:
    erase("t1")
    again = path.with_name("b.ndjson")
    again.write_bytes(document(1))
    result = load(Request(("things",)))
    assert result.summary.startswith(
        "1 document landed (1 of them only counted, as their keys were erased), 0 rejected"
    )
    assert "before it arrived: it was only counted" in why(f"{again}:1")[2]


def test_documents_are_found_by_fields_and_go_with_their_keys(database: str, source: Path) -> None:
    lines = [
        document(1, contact={"emails": ["a@example.org", "b@example.org"]}),
        document(1, other=True),
        document(2, contact={"emails": ["c@example.org"]}, age=40.0),
        b'{"id": "t3", "updated_at": 5, "contact": {"emails": ["a@example.org"]}}',
        b'{"id": 4, "contact": {"emails": ["a@example.org"]}}',
    ]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    load(Request(("things",)))
    found = find_now(wanted(where=("/contact/emails/*=a@example.org",)))
    assert (found.keys, len(found.documents), len(found.rejects)) == ({"t1", "t3", "4"}, 2, 2)
    assert find_now(wanted(where=("/contact/emails/0=c@example.org", "/age=40"))).keys == {"t2"}
    assert find_now(wanted(where=("/contact/emails/0=c@example.org", "/age=41"))).is_empty
    assert find_now(wanted("t9", where=("/age=40",))).missing == ["t9"]
    erased = erase(where=("/contact/emails/*=a@example.org",))
    assert (erased.documents, erased.rejects) == (2, 2)
    assert rows("select document ->> 'id' from raw.things") == [("t2",)]


def test_what_has_no_key_is_erased_by_its_position(path: Path) -> None:
    ((batch_id,),) = rows("select batch_id::text from ledger.batches where landed > 0")
    again = replace(wanted(), positions=frozenset({(batch_id, 2), (batch_id, 3), (batch_id, 99)}))
    found = find_now(again)
    assert (list(found.documents), [(one.position, one.how) for one in found.rejects]) == (
        [(batch_id, 2)],
        [(3, "key")],
    )


def test_other_sources_with_the_same_key_are_named_not_touched(path: Path) -> None:
    with closing(connect("owner")) as owner:
        owner.cursor().execute(
            "create table intermediate.document_outcomes as select named.source, 't1' as document_key, batch_id as _batch_id,"
            " 1::bigint as _position from (values ('others'), ('things')) as named (source) cross join ledger.batches"
        )
        found = find(owner, wanted("t1"))
    assert found.other_sources == ["others"]
    assert len(found.documents) == 1
