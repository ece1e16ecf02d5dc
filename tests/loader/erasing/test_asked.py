"""Keys are taken as they are written, and are found also where only dbt still shows them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from loader.errors import EraseRefused
from loader.load import load
from loader.plan import Request
from loader.undo.undo import undo
from pipeline.erasing.asked import find_asked, read_keys
from tests.support.databases import rows
from tests.support.documents import document
from tests.support.erasing import erase, wanted
from warehouse.connection import connect

STALE = """
create schema if not exists intermediate;
create table intermediate.document_outcomes as
select 'things' as source, 't1' as document_key, batch_id as _batch_id, 1::bigint as _position from ledger.batches;
grant usage on schema intermediate to waybill_reader;
grant select on intermediate.document_outcomes to waybill_reader
"""


@pytest.fixture
def path(database: str, source: Path) -> Path:
    """A loaded file of two documents."""
    (source / "a.ndjson").write_bytes(document(1) + b"\n" + document(2))
    load(Request(("things",)))
    return source / "a.ndjson"


def test_keys_of_a_file_are_split_at_line_feeds_only(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes("a\x85b\r\nc\u2028d\x0be\n\n f \n".encode())
    assert read_keys(tmp_path / "keys") == {"a\x85b", "c\u2028d\x0be", " f "}


def test_a_key_that_dbt_shows_after_an_undo_is_erased(path: Path) -> None:
    undo(str(path))
    with closing(connect("owner")) as owner, owner:
        owner.cursor().execute(STALE)
    found = find_asked(wanted("t1"))
    assert (found.missing, found.is_empty, len(found.hashes)) == ([], False, 1)
    with pytest.raises(EraseRefused, match="no document of things has the key t2"):
        find_asked(wanted("t2"))


def test_another_secret_is_refused_for_any_source(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    erase("t1")
    with closing(connect("owner")) as owner, owner, owner.cursor() as cursor:
        cursor.execute("update ledger.erasures set source = 'others'; update ledger.barred_keys set source = 'others'")
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", "another secret than it was")
    with pytest.raises(EraseRefused, match=r"documents of others were erased .* with another secret"):
        erase("t2")
    assert rows("select count(*) from raw.things") == [(1,)]
