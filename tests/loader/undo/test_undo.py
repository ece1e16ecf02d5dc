"""Undo takes back a batch, a run or a file: rows, rejects and replays; the ledger keeps what was undone (P1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loader.errors import UndoRefused
from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from loader.undo.plan import SourceUndo
from loader.undo.undo import undo
from tests.loader.conftest import CONTRACT
from tests.support.databases import rows
from tests.support.documents import document, landed_ids

BOOKS = "select read, landed, rejected, skipped, undone, is_balanced from ledger.books"
OPEN = "select position from ledger.open_rejects order by position"


def load_all() -> None:
    load(Request(("things",)))


def relax_contract(source: Path) -> None:
    """Change the contract to accept a number as an id."""
    corrected = {**CONTRACT, "properties": {**CONTRACT["properties"], "id": {"type": ["string", "integer"]}}}
    (source.parent / "declared" / "things.schema.json").write_text(json.dumps(corrected))


def batch_of(path: Path) -> str:
    ((batch_id,),) = rows(
        f"select batch_id from ledger.named_batches where input_name = '{path}' and feed = 'file' and undone_at is null"
        " and landed + rejected > 0"
    )
    return str(batch_id)


@pytest.fixture
def files(database: str, source: Path) -> tuple[Path, Path]:
    """Two loaded files: two good documents and two rejects, one of which can be replayed later; one good document."""
    first, second = source / "a.ndjson", source / "b.ndjson"
    first.write_bytes(b"\n".join([document(1, new=1), b'{"id": 2, "updated_at": ""}', b"broken", document(3)]))
    second.write_bytes(document(4))
    load_all()
    return first, second


def test_an_undone_batch_leaves_raw_and_stays_in_the_ledger(files: tuple[Path, Path]) -> None:
    batch_id = batch_of(files[0])

    undone = undo(batch_id, reason="wrong month")

    assert undone == {"things": SourceUndo(batches=1, files=1, documents=2, closed_rejects=2)}
    assert landed_ids() == {"t4": 1}
    assert rows("select read, landed, rejected from ledger.batches where landed = 2") == [(4, 2, 2)]
    assert rows(
        "select batch_id, undone_reason, undone_by like '%@%', undone_at > committed_at, is_reloaded,"
        " undone_run_id = (select run_id from ledger.runs where command like 'undo %') from ledger.named_batches"
        " where undone_at is not null"
    ) == [(batch_id, "wrong month", True, True, False, True)]
    assert rows(BOOKS) == [(5, 3, 2, 0, 2, True)]
    assert rows(OPEN) == []
    assert rows("select * from ledger.unknown_fields") == []


def test_a_dry_run_counts_the_same_and_writes_nothing(files: tuple[Path, Path]) -> None:
    relax_contract(files[0].parent)
    replay("things", None, lambda reject, reason: None)
    books, runs = rows(BOOKS), rows("select count(*) from ledger.runs")

    planned = undo(str(files[0]), dry_run=True)

    assert planned == {"things": SourceUndo(batches=1, files=1, replays=1, documents=3, closed_rejects=1)}
    assert (rows(BOOKS), rows("select count(*) from ledger.runs")) == (books, runs)
    assert rows("select count(*) from ledger.undone_batches") == [(0,)]
    assert undo(str(files[0])) == planned


def test_undo_of_what_is_undone_changes_nothing(files: tuple[Path, Path]) -> None:
    undo(str(files[0]))
    before = rows("select * from ledger.undone_batches")
    assert undo(str(files[0])) == {}
    assert rows("select * from ledger.undone_batches") == before
    assert rows("select count(*) from ledger.runs where command like 'undo%'") == [(1,)]


def test_a_run_is_undone_with_all_its_batches(files: tuple[Path, Path]) -> None:
    ((run_id,),) = rows("select run_id from ledger.runs where command like 'load%'")
    assert undo(str(run_id))["things"].batches == 2
    assert landed_ids() == {}
    assert rows(BOOKS) == [(5, 3, 2, 0, 3, True)]


def test_undoing_a_batch_undoes_the_replays_from_it(files: tuple[Path, Path]) -> None:
    relax_contract(files[0].parent)
    replay("things", None, lambda reject, reason: None)
    assert landed_ids() == {"t1": 1, "2": 1, "t3": 1, "t4": 1}
    undo(batch_of(files[0]))
    assert landed_ids() == {"t4": 1}
    assert rows(OPEN) == []
    assert rows(BOOKS) == [(5, 3, 2, 0, 2, True)]
    assert replay("things", None, lambda reject, reason: None) == {"things": 0}


def test_undoing_a_replay_opens_its_rejects_again(files: tuple[Path, Path]) -> None:
    relax_contract(files[0].parent)
    for _ in range(2):
        assert replay("things", None, lambda reject, reason: None) == {"things": 1}
        ((batch_id,),) = rows("select batch_id from ledger.named_batches where feed = 'replay' and undone_at is null")
        assert undo(str(batch_id)) == {"things": SourceUndo(replays=1, documents=1, opened_rejects=1)}
        assert rows(OPEN) == [(2,), (3,)]
        assert rows(BOOKS) == [(5, 3, 2, 0, 0, True)]
    assert replay("things", None, lambda reject, reason: None) == {"things": 1}
    assert rows(BOOKS) == [(5, 4, 1, 0, 0, True)]


def test_a_replay_takes_from_one_batch_only(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "100")
    path = files[0].with_name("c.ndjson")
    path.write_bytes(b"\n".join(b'{"id": %d, "updated_at": ""}' % number for number in (7, 8)))
    load_all()
    relax_contract(path.parent)
    replay("things", None, lambda reject, reason: None)
    ((first, _), _) = rows(
        f"select batch_id, first_position from ledger.named_batches where input_name = '{path}' and feed = 'file'"
        " order by 2"
    )
    undo(str(first))
    assert landed_ids() == {"t1": 1, "2": 1, "t3": 1, "t4": 1, "8": 1}


def test_a_file_that_is_gone_is_undone_by_its_name(files: tuple[Path, Path]) -> None:
    copy = files[1].with_name("copy.ndjson")
    files[1].rename(copy)
    assert undo(str(files[1])) == {"things": SourceUndo(batches=1, files=1, documents=1)}
    assert landed_ids() == {"t1": 1, "t3": 1}


def test_a_name_with_several_contents_has_to_be_chosen(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(document(5))
    load_all()
    files[1].unlink()
    with pytest.raises(UndoRefused, match=r"b\.ndjson was loaded with 2 different contents .* by run .*: give the id"):
        undo(str(files[1]))
    assert landed_ids() == {"t1": 1, "t3": 1, "t4": 1, "t5": 1}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("00000000-0000-7000-8000-000000000000", "no batch and no run has this id"),
        ("nothing.ndjson", "no such file, .*: `undo` takes the id of a batch or a run, or the name of a loaded file"),
        ("pyproject.toml", "this content was never loaded"),
    ],
)
def test_an_unknown_target_is_refused_by_name(files: tuple[Path, Path], target: str, expected: str) -> None:
    with pytest.raises(UndoRefused, match=expected):
        undo(target)
    assert len(landed_ids()) == 3
