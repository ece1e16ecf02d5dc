"""How a file was read is part of what is known of it: a reading that landed nothing is replaced by another (P3)."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

import loader.declarations
from loader.errors import LayoutChanged, LoaderError
from loader.load import load
from loader.plan import Request
from loader.rejects.listing import list_rejects
from loader.rejects.replay import replay
from loader.tallies import LoadResult
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.interrupted_loads import Killed, kill_load_after
from warehouse.connection import connect

DOCUMENTS = [document(n) for n in range(3)]
LINES = b"\n".join(DOCUMENTS)
ARRAY = b"[" + b",\n".join(DOCUMENTS) + b"]"
RECORDS = b'{"meta": 1, "items": ' + ARRAY + b"}"
PRETTY = b'{\n  "id": "t0",\n  "updated_at": "2026-01-01T00:00:00Z"\n}'
BOOKS = "select read, landed, rejected, skipped, is_balanced from ledger.books"


def load_as(layout: Any, *files: Path) -> LoadResult:
    return load(Request(("things",), tuple(map(str, files)), layout))


def declare(*files: dict[str, str]) -> None:
    path = loader.declarations.SOURCES / "things.yml"
    declared = yaml.safe_load(path.read_text())
    declared["files"] = list(files)
    path.write_text(yaml.safe_dump(declared))


CORRECTED: list[tuple[bytes, dict[str, str], dict[str, str]]] = [
    (LINES, {"layout": "array"}, {"layout": "ndjson"}),
    (LINES + b"\n", {"layout": "document"}, {"layout": "ndjson"}),
    (ARRAY, {"layout": "ndjson"}, {"layout": "array"}),
    (PRETTY, {"layout": "ndjson"}, {"layout": "document"}),
    (RECORDS, {"layout": "records", "records_at": "/data"}, {"layout": "records", "records_at": "/items"}),
    (RECORDS + b" ", {"layout": "records", "records_at": "/meta"}, {"layout": "records", "records_at": "/items"}),
    (RECORDS + b"  ", {"layout": "document"}, {"layout": "records", "records_at": "/items"}),
    (ARRAY + b" ", {"layout": "records", "records_at": "/items"}, {"layout": "array"}),
]


def test_a_corrected_declaration_reads_the_files_again(database: str, source: Path) -> None:
    for number, (content, _, _) in enumerate(CORRECTED):
        (source / f"{number}.x").write_bytes(content)
    declare(*({"pattern": f"{number}.x", **wrong} for number, (_, wrong, _) in enumerate(CORRECTED)))
    assert load(Request(("things",))).rows == 0
    rejects = len(list(list_rejects()))
    assert {reject.name for reject in list_rejects()} == {str(source / f"{number}.x") for number in range(8)}
    assert load(Request(("things",))).new_files == 0

    declare(*({"pattern": f"{number}.x", **right} for number, (_, _, right) in enumerate(CORRECTED)))
    result = load(Request(("things",)))

    assert (result.rows, result.rejected, result.new_files) == (22, 0, 8)
    assert list(list_rejects()) == []
    assert rows("select count(*)::int from ledger.rejects") == [(rejects,)]
    assert rows(BOOKS) == [(22, 22, 0, 0, True)]
    assert rows("select count(*)::int from ledger.inputs group by replaced_at is null") == [(8,), (8,)]
    assert load(Request(("things",))).new_files == 0
    assert load_as(None, source / "0.x").new_files == 0


def test_another_layout_given_by_hand_replaces(database: str, source: Path) -> None:
    (source / "a.json").write_bytes(LINES)
    load(Request(("things",)))
    assert load_as("ndjson", source / "a.json").rows == 3
    assert load(Request(("things",))).new_files == 0  # the declaration says array, and nothing is left to land
    assert landed_ids().total() == 3


@pytest.mark.parametrize("has_rejects", [False, True])
def test_a_reading_that_landed_something_is_refused(database: str, source: Path, has_rejects: bool) -> None:
    path = source / "a.ndjson"
    path.write_bytes(LINES + (b"\nbroken" if has_rejects else b""))
    load(Request(("things",)))
    with pytest.raises(LayoutChanged, match=r"was landed as ndjson \(3 documents\).*read as array.*undo .*a.ndjson`"):
        load_as("array", path)
    declare({"pattern": "a.ndjson", "layout": "records", "records_at": "/items"})
    with pytest.raises(LayoutChanged, match="would now be read as records at /items"):
        load(Request(("things",)))
    assert landed_ids().total() == 3
    assert rows("select count(*)::int from ledger.inputs") == [(1,)]


def test_a_replayed_reject_keeps_its_reading(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1, pad="x" * 2000))
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "1024")
    load(Request(("things",)))
    monkeypatch.delenv("WAYBILL_MAX_DOCUMENT_BYTES")
    assert replay("things", None, lambda reject, reason: None) == {"things": 1}
    with pytest.raises(LayoutChanged, match="undo"):
        load_as("document", path)
    assert landed_ids() == {"t1": 1}


def test_rejects_of_a_replaced_reading_are_not_replayed(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.json"
    path.write_bytes(document(1, pad="x" * 2000))
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "1024")
    load_as("document", path)
    monkeypatch.delenv("WAYBILL_MAX_DOCUMENT_BYTES")
    landed: list[LoadResult] = []
    monkeypatch.setattr("loader.rejects.replay.land", _and_load_first(landed, path))
    assert replay("things", None, lambda reject, reason: None) == {"things": 0}
    assert landed_ids() == {"t1": 1}
    assert rows(BOOKS) == [(1, 1, 0, 0, True)]


def _and_load_first(landed: list[LoadResult], path: Path) -> Any:
    """Return a `land` before which another process reads the file by another layout."""
    from loader.landing.land import land

    def and_load(*arguments: Any) -> Any:
        landed.append(load_as("ndjson", path))
        return land(*arguments)

    return and_load


def test_an_interrupted_reading_that_landed_nothing_is_replaced(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"[\n" + b",\n".join(DOCUMENTS) + b"\n]")
    with monkeypatch.context() as patch:
        patch.setenv("WAYBILL_CHUNK_BYTES", "1")
        kill_load_after(2, patch)
        with suppress(Killed):
            load_as("ndjson", path)
    assert landed_ids().total() == 0
    assert load_as("array", path).rows == 3
    assert list(list_rejects()) == []
    assert load_as("array", path).new_files == 0


def test_copies_under_two_layouts_are_read_once(database: str, source: Path) -> None:
    for content, names in ((ARRAY, ("a.json", "a.ndjson")), (b"broken", ("b.ndjson", "b.json"))):
        for name in names:
            (source / name).write_bytes(content)
    assert load(Request(("things",))).rows == 3
    for _ in range(2):
        assert load(Request(("things",))).new_files == 0
    assert landed_ids().total() == 3
    assert rows("select is_balanced from ledger.books") == [(True,)]


def test_two_loaders_with_two_readings_land_once(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(ARRAY)
    failures: list[BaseException] = []

    def work(layout: str) -> None:
        try:
            load_as(layout, path)
        except LoaderError:
            pass
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=[layout]) for layout in ("array", "ndjson", "document", "array")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    if not landed_ids():
        load_as("array", path)
    assert landed_ids() == {f"t{n}": 1 for n in range(3)}
    assert rows(BOOKS)[0][1:3] == (3, 0)
    assert rows("select count(*)::int from ledger.inputs where replaced_at is null") == [(1,)]


def test_an_upgraded_warehouse_takes_its_files_for_known(database: str, source: Path) -> None:
    (source / "a.rec").write_bytes(b'{"data": {"things": ' + ARRAY + b"}}")
    (source / "b.rec").write_bytes(RECORDS)
    load(Request(("things",)))
    owner = connect("owner")
    with owner, owner.cursor() as cursor:  # as an older Waybill recorded them
        cursor.execute("update ledger.inputs set records_at = null, is_layout_given = true")
    owner.close()
    declare({"pattern": "*.rec", "layout": "records", "records_at": "/items"})
    assert load(Request(("things",))).rows == 3  # only b.rec, of which nothing was landed
    assert landed_ids().total() == 6
    assert load(Request(("things",))).new_files == 0
