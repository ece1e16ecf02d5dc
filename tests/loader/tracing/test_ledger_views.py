"""The views of schema `ledger` answer in one query what users ask most, and every role that reads the ledger may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from tests.support.databases import rows
from tests.support.documents import document
from warehouse.connection import connect

VIEWS = ("books", "named_batches", "named_inputs", "open_rejects", "rejected_documents", "unknown_fields")
READERS = ("loader", "transformer", "trainer", "keeper", "reader")


@pytest.fixture
def loaded(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of two good documents, one of which has an unknown field, one too large and one broken; then a copy."""
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "2000")
    path = source / "a.ndjson"
    large = document(3, text="x" * 3000)
    path.write_bytes(b"\n".join([document(1), document(2, new=1), large, b"broken"]))
    load(Request(("things",)))
    copy = source / "b.ndjson"
    copy.write_bytes(path.read_bytes())
    load(Request(("things",)))
    return path


def test_views_show_names_coordinates_rejects_and_drift(loaded: Path) -> None:
    copy = loaded.with_name("b.ndjson")
    assert rows("select source, feed, name, names, is_complete from ledger.named_inputs") == [
        ("things", "file", str(loaded), [str(loaded), str(copy)], True)
    ]
    assert rows("select input_name, read, landed, command from ledger.named_batches order by committed_at") == [
        (str(loaded), 4, 2, "load things"),
        (str(loaded), 4, 0, "load things"),
    ]
    assert rows("select coordinate, reason, is_complete from ledger.open_rejects order by position") == [
        (f"{loaded}:3", "too_large", True),
        (f"{loaded}:4", "not_json", True),
    ]
    assert rows("select source, pointer, json_type, documents, first_input from ledger.unknown_fields") == [
        ("things", "/new", "integer", 1, str(loaded))
    ]
    assert rows("select source, read, landed, rejected, skipped, is_balanced from ledger.books") == [
        ("things", 8, 2, 2, 4, True)
    ]


def test_a_replayed_document_is_no_longer_an_open_reject(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
    replay("things", "too_large", lambda reject, reason: None)
    assert rows("select position from ledger.open_rejects") == [(4,)]
    assert rows("select position, replayed_by is null from ledger.rejected_documents order by 1") == [
        (3, False),
        (4, True),
    ]
    assert rows("select read, landed, rejected, skipped from ledger.books") == [(8, 3, 1, 4)]


@pytest.mark.parametrize("role", READERS)
def test_roles_that_read_the_ledger_read_its_views(database: str, role: Any) -> None:
    connection = connect(role)
    with connection, connection.cursor() as cursor:
        for view in VIEWS:
            cursor.execute(f"select * from ledger.{view}")
    connection.close()


def test_every_view_and_each_of_its_columns_is_described(database: str) -> None:
    found = rows(
        "select relname::text, obj_description(pg_class.oid, 'pg_class') is not null,"
        " array(select attname::text from pg_attribute where attrelid = pg_class.oid and attnum > 0"
        " and col_description(attrelid, attnum) is null)"
        " from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'v' order by 1"
    )
    assert found == [(view, True, []) for view in VIEWS]
