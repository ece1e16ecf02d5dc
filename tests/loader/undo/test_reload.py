"""Loading a file again lands exactly what was undone of it, at the same positions, as new batches (P2)."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path

import pytest

from loader.declarations import Layout
from loader.errors import LayoutChanged
from loader.load import load
from loader.plan import Request
from loader.undo.undo import undo
from tests.support.databases import rows
from tests.support.documents import document

POSITIONS = """
select raw._position, raw._fingerprint, batches.input_id
from raw.things as raw inner join ledger.batches using (batch_id)
order by raw._position
""".replace("using (batch_id)", "on raw._batch_id = batches.batch_id")
BATCHES = "select batch_id from ledger.named_batches where undone_at is null and landed + rejected > 0 order by first_position"
REJECTS = "select position, reason, fingerprint from ledger.open_rejects order by position"
DOCUMENTS = 60


def body(layout: str) -> bytes:
    documents = [document(number, text="x" * 50) for number in range(DOCUMENTS)]
    documents[7], documents[33] = b'{"id": 5}', b'{"id": ""}'
    if layout == "array":
        return b"\xef\xbb\xbf[\n" + b",\n".join(documents) + b"]"
    if layout == "records":
        return b'{"data": {"before": [1], "things": [' + b",".join(documents) + b'], "after": 2}}'
    if layout == "document":
        return documents[0]
    return b"\r\n\n".join(documents) + b"\n\n"


def load_file(path: Path, layout: Layout) -> None:
    load(Request(("things",), (str(path),), layout))


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("layout", ["ndjson", "array", "records", "document"])
def test_undone_ranges_land_again_at_their_positions(database: str, source: Path, layout: Layout, packed: bool) -> None:
    path = source / "big.rec"
    path.write_bytes(gzip.compress(body(layout)) if packed else body(layout))
    load_file(path, layout)
    landed, rejects, batches = rows(POSITIONS), rows(REJECTS), [batch for (batch,) in rows(BATCHES)]
    assert len(batches) > 3 or layout == "document"
    for batch_id in {batches[0], batches[len(batches) // 2], batches[-1]}:
        undo(str(batch_id))
    assert len(rows(POSITIONS)) < len(landed)

    load_file(path, layout)

    assert (rows(POSITIONS), rows(REJECTS)) == (landed, rejects)
    again = {batch for (batch,) in rows(BATCHES)}
    assert len(again - set(batches)) == len({batches[0], batches[len(batches) // 2], batches[-1]})
    assert rows("select count(*) from ledger.named_batches where is_reloaded") == [(len(again - set(batches)),)]
    assert load(Request(("things",), (str(path),), layout)).new_files == 0
    assert rows(POSITIONS) == landed


@pytest.mark.usefixtures("small_chunks")
def test_a_range_undone_again_and_again_lands_once(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(body("ndjson"))
    load_file(path, "ndjson")
    landed = rows(POSITIONS)
    for chunk_bytes in ("1000", "30000", "2000"):
        undo(str(path))
        assert rows(POSITIONS) == []
        monkeypatch.setenv("WAYBILL_CHUNK_BYTES", chunk_bytes)
        load_file(path, "ndjson")
        assert rows(POSITIONS) == landed
    assert rows("select landed - undone, is_balanced from ledger.books") == [(len(landed), True)]


@pytest.mark.usefixtures("small_chunks")
def test_two_loaders_land_an_undone_range_once(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(body("ndjson"))
    load_file(path, "ndjson")
    landed = rows(POSITIONS)
    undo(str(path))
    loaders = [threading.Thread(target=load_file, args=(path, "ndjson")) for _ in range(3)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
    assert rows(POSITIONS) == landed


def test_a_further_name_counts_what_is_landed_now(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(json.dumps({"id": "t1", "updated_at": ""}).encode())
    load_file(path, "ndjson")
    undo(str(path))
    load_file(path, "ndjson")
    copy = source / "b.ndjson"
    copy.write_bytes(path.read_bytes())
    load_file(copy, "ndjson")
    assert rows("select read, landed, skipped, undone from ledger.books") == [(3, 2, 1, 1)]


def test_a_file_undone_whole_can_be_read_with_another_layout(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1))
    load_file(path, "document")
    with pytest.raises(LayoutChanged, match=r"was landed as document \(1 document\) .* take it back first with"):
        load_file(path, "ndjson")
    undo(str(path))
    load_file(path, "ndjson")
    assert rows("select layout, landed from ledger.named_batches where undone_at is null") == [("ndjson", 1)]
    assert rows("select read, landed, undone, is_balanced from ledger.books") == [(1, 1, 0, True)]
    assert len(rows(POSITIONS)) == 1
    assert undo(str(path), dry_run=True)["things"].documents == 1
