"""Rejects can be exported, loaded again byte for byte, and replayed; the books count each document once (P1, P3)."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import loader.rejects.replay
from loader.load import load
from loader.plan import Request
from loader.rejects.export import export_rejects
from loader.rejects.listing import ListedReject, list_rejects
from loader.rejects.replay import replay
from loader.tracing.why import why
from tests.loader.conftest import CONTRACT
from tests.support.databases import rows
from tests.support.documents import document, landed_ids

BOOKS = "select sum(read)::int, sum(landed)::int, sum(rejected)::int, sum(skipped)::int from ledger.batches"


def relax_contract(source: Path) -> None:
    """Change the contract to accept a number as an id."""
    corrected = {**CONTRACT, "properties": {**CONTRACT["properties"], "id": {"type": ["string", "integer"]}}}
    (source.parent / "declared" / "things.schema.json").write_text(json.dumps(corrected))


@pytest.fixture
def loaded(database: str, source: Path) -> Path:
    """Load two files with bad documents, some of which pass another contract."""
    lines = [
        document(1),
        b'{"id": 5, "updated_at": ""}',
        b"broken",
        document(2),
        b'{"id": 6, "updated_at": "", "n": 1}',
    ]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    (source / "b.json").write_bytes(b"[" + document(3) + b', {"id":\n7, "updated_at": ""}, {"id": NaN}]')
    load(Request(("things",)))
    return source


def test_a_replay_lands_what_passes_now_and_counts_it_once(loaded: Path) -> None:
    assert rows(BOOKS) == [(8, 3, 5, 0)]
    relax_contract(loaded)
    left: list[tuple[int, str]] = []

    assert replay("things", None, lambda reject, why: left.append((reject.position, why.code))) == {"things": 3}

    assert sorted(left) == [(3, "not_json"), (3, "not_json")]
    assert rows(BOOKS) == [(8, 6, 2, 0)]
    assert rows("select count(*) from ledger.batches where read <> landed + rejected + skipped") == [(0,)]
    assert sum(landed_ids().values()) == 6
    assert rows(
        "select inputs.name ~ 'a.ndjson', things._position from raw.things join ledger.batches on batch_id = _batch_id"
        " join ledger.inputs using (input_id) where batches.feed = 'replay' order by 1 desc, 2"
    ) == [(True, 2), (True, 5), (False, 2)]
    assert rows("select count(*) from raw.things join ledger.rejects on _fingerprint = fingerprint"
                " and replayed_by = _batch_id and position = _position") == [(3,)]  # fmt: skip
    assert rows("select pointer, documents from ledger.drift") == [("/n", 1)]


def test_a_replay_is_safe_to_repeat_and_the_file_stays_known(loaded: Path) -> None:
    relax_contract(loaded)
    replay("things", None, lambda reject, why: None)
    assert replay("things", None, lambda reject, why: None) == {"things": 0}
    assert rows("select count(*) from ledger.batches where feed = 'replay'") == [(2,)]
    assert load(Request(("things",))).summary.startswith("nothing new")
    (loaded / "copy.ndjson").write_bytes((loaded / "a.ndjson").read_bytes())
    assert load(Request(("things",))).tallies["things"].skipped == 5
    assert rows(BOOKS) == [(13, 6, 2, 5)]


def test_a_replay_of_one_reason_leaves_the_others(loaded: Path) -> None:
    relax_contract(loaded)
    assert replay("things", "not_json", lambda reject, why: None) == {"things": 0}
    assert replay("things", "breaks_contract", lambda reject, why: None) == {"things": 3}


def test_two_replays_at_once_land_each_document_once(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(b'{"id": %d, "updated_at": ""}' % n for n in range(1500)))
    load(Request(("things",)))
    relax_contract(source)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            replay("things", None, lambda reject, why: None)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert set(landed_ids().values()) == {1}
    assert rows(BOOKS) == [(1500, 1500, 0, 0)]


def test_a_reject_of_any_size_within_the_limit_is_kept_whole(database: str, source: Path) -> None:
    sizes = [65_535, 65_536, 65_537, 1_000_000]
    lines = [b'{"id": %d, "updated_at": "", "pad": "%s"}' % (size, b"x" * size) for size in sizes]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    load(Request(("things",)))
    kept = rows("select bytes from ledger.rejects order by position")
    assert [bytes(found) for (found,) in kept] == lines
    (source / "a.ndjson").unlink()
    relax_contract(source)
    assert replay("things", None, lambda reject, why: None) == {"things": len(lines)}


def test_a_truncated_reject_is_replayed_from_its_file(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {n: document(n, pad="é" * 60_000) for n in (1, 2)}
    (source / "a.ndjson").write_bytes(b"\xef\xbb\xbf" + document(0) + b"\r\n" + large[1] + b"\r\n")
    (source / "b.json").write_bytes(b"[" + large[2] + b"," + document(3) + b"]")
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
    load(Request(("things",)))
    assert landed_ids().keys() == {"t0", "t3"}
    output: list[str] = []
    replay("things", None, lambda reject, why: output.append(why.detail))
    assert [detail.endswith("the limit is 100000") for detail in output] == [True, True]

    monkeypatch.delenv("WAYBILL_MAX_DOCUMENT_BYTES")
    (source / "b.json").write_bytes(b"[]")
    output.clear()
    assert replay("things", None, lambda reject, why: output.append(why.detail)) == {"things": 1}

    assert landed_ids().keys() == {"t0", "t1", "t3"}
    assert len(output) == 1 and "only its beginning was kept" in output[0] and "is gone or has changed" in output[0]


def test_a_page_of_a_replay_holds_few_large_documents(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join(document(n, pad="x" * 200_000) for n in range(8)))
    with monkeypatch.context() as patch:
        patch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
        load(Request(("things",)))
    monkeypatch.setattr(loader.rejects.replay, "PAGE_BYTES", 500_000)
    assert replay("things", None, lambda reject, why: None) == {"things": 8}
    assert rows("select landed from ledger.batches where feed = 'replay' order by first_position") == [(3,), (3,), (2,)]


NASTY = [
    b"broken",
    b'{"id": "\xff\xfe"}',
    b"\x1f\x8b\x08 looks like gzip",
    b"\xef\xbb\xbf{}",
    b'{"id":\n"two lines',
    b'{"id":\r\n\t5}',
    b"[1, 2]",
    b"\xfe\xff\x00{",
]


def test_exported_rejects_have_the_same_bytes_when_loaded_again(database: str, source: Path, tmp_path: Path) -> None:
    for number, bad in enumerate(NASTY):
        (source / f"{number}.doc").write_bytes(b"\n" + bad + b"\n")
    load(Request(("things",)))
    before = sorted(reject.beginning for reject in list_rejects("things"))
    assert before == sorted(NASTY)

    exported = export_rejects(list_rejects("things"), tmp_path / "out.ndjson")

    assert (exported.lines, exported.files, exported.left_out) == (6, 2, 0)
    load(Request(("things",), (str(tmp_path / "out.ndjson"),), "ndjson"))
    load(Request(("things",), (str(tmp_path / "out.ndjson.documents"),), "document"))
    again = [reject.beginning for reject in list_rejects("things") if str(source) not in reject.name]
    assert sorted(again) == sorted(NASTY)


def test_a_truncated_reject_is_exported_whole_or_left_out(
    database: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {n: document(n, pad=f"{n}" * 200_000) for n in (1, 2)}
    (source / "a.ndjson").write_bytes(document(0) + b"\nbroken\n" + large[1] + b"\n")
    (source / "b.json").write_bytes(b"[" + large[2] + b"]")
    with monkeypatch.context() as patch:
        patch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
        load(Request(("things",)))
    (source / "b.json").write_bytes(b"[]")

    exported = export_rejects(list_rejects("things"), tmp_path / "out.ndjson")

    assert (exported.lines, exported.files, exported.left_out) == (1, 1, 1)
    assert (tmp_path / "out.ndjson").read_bytes() == b"broken\n"
    assert [path.read_bytes() for path in (tmp_path / "out.ndjson.documents").iterdir()] == [large[1]]
    load(Request(("things",), (str(tmp_path / "out.ndjson.documents"),), "document"))
    assert landed_ids().keys() == {"t0", "t1"}


@pytest.mark.parametrize("first", [bad for bad in NASTY if b"\n" not in bad] + [b"\x00{\x00", b"a"])
def test_line_numbers_of_an_export_count_its_rejects(database: str, source: Path, tmp_path: Path, first: bytes) -> None:
    (source / "a.doc").write_bytes(b"    \n" + first)
    (source / "b.ndjson").write_bytes(b"broken\nbroken as well")
    load(Request(("things",)))

    export_rejects(list_rejects("things"), tmp_path / "out.ndjson")

    load(Request(("things",), (str(tmp_path / "out.ndjson"),), "ndjson"))
    reloaded = [
        (reject.position, reject.beginning) for reject in list_rejects("things") if reject.name.endswith("out.ndjson")
    ]
    assert reloaded == [(1, first), (2, b"broken"), (3, b"broken as well")]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_export_leaves_nothing_and_can_be_rerun(
    database: str, source: Path, tmp_path: Path, stop: BaseException
) -> None:
    (source / "a.ndjson").write_bytes(b"broken\nas well")
    (source / "b.doc").write_bytes(b'{"id":\n"two lines')
    load(Request(("things",)))
    folder = tmp_path / "out"
    stale = folder / ".out.ndjson.parts" / "documents" / "000007"  # left by a killed export
    stale.parent.mkdir(parents=True)
    stale.touch()

    def broken_off() -> Iterator[ListedReject]:
        yield from list_rejects("things")
        raise stop

    with pytest.raises(type(stop)) as raised:
        export_rejects(broken_off(), folder / "out.ndjson")
    assert getattr(raised.value, "filename", str(folder / "out.ndjson")) == str(folder / "out.ndjson")
    assert list(folder.iterdir()) == []

    exported = export_rejects(list_rejects("things"), folder / "out.ndjson")
    assert (exported.lines, exported.files) == (2, 1)
    assert sorted(path.name for path in folder.rglob("*")) == ["000001", "out.ndjson", "out.ndjson.documents"]


def test_why_follows_a_document_through_its_replay(loaded: Path) -> None:
    relax_contract(loaded)
    replay("things", None, lambda reject, why: None)
    output = "\n".join(why(f"{loaded / 'a.ndjson'}:2"))
    assert "rejected: breaks_contract" in output
    assert "replayed: landed after all by batch" in output
    assert "landed in raw.things" in output
    assert 'checked: {"id": 5, "updated_at": ""}' in output
