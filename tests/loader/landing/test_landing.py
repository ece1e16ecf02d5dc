"""What lands, what is rejected, and books that account for every document (P1, P2, P3)."""

from __future__ import annotations

import gzip
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from loader.__main__ import loader
from loader.errors import FileChanged, FileRefused, SourceBroken, SourceUnknown
from loader.load import load
from loader.plan import Request
from loader.reading.input_files import identify
from loader.rejects.listing import list_rejects
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.documents import document, landed_ids

pytestmark = [pytest.mark.creator]  # also on an external server: see `make test-server`

BAD = {
    "not_json": [b'{"id": "cut', b"{'id': 'repr'}", b'{"id": NaN}', b"not json", b'{"id":"a"} {"id":"b"}', b"[1,]"],
    "not_utf8": [b'{"id": "\xff"}'],
    "not_storable": [
        b'{"id": "a\\u0000", "updated_at": ""}',
        b'{"id": "\\ud800", "updated_at": ""}',
        b'{"id": "x", "updated_at": "", "n": 1e400000}',
        b'{"id": "x", "updated_at": "", "n": 1e-20000}',
        b'{"id": "x", "updated_at": "", "n": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    "breaks_contract": [b'{"id": 5, "updated_at": ""}', b"[]", b'"text"', b"7", b"null", b"{}", b'{"id": ""}'],
}


def load_files(*files: Path, **more: Any) -> Any:
    return load(Request(("things",), tuple(map(str, files)), **more))


def test_a_thousand_good_rows_land_and_each_bad_row_is_named(database: str, source: Path) -> None:
    bad = [(reason, line) for reason, lines in BAD.items() for line in lines]
    lines = [document(number) for number in range(1000)]
    for index, (_, line) in enumerate(bad):
        lines.insert(index * 7, line)
    (source / "a.ndjson").write_bytes(b"\n".join(lines) + b"\n")

    result = load_files()

    assert result.rows == 1000
    assert landed_ids() == Counter(f"t{number}" for number in range(1000))
    found = [(reject.position, reject.reason, reject.beginning) for reject in list_rejects("things")]
    assert found == [(index * 7 + 1, reason, line) for index, (reason, line) in enumerate(bad)]
    assert rows("select read, landed, rejected, skipped from ledger.batches") == [(1000 + len(bad), 1000, len(bad), 0)]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_line_ends_a_bom_and_gzip_make_no_difference(database: str, source: Path, ending: bytes, packed: bool) -> None:
    data = b"\xef\xbb\xbf" + ending.join([document(1), b"", b"   ", document(2), document(3)])
    (source / "a.ndjson").write_bytes(gzip.compress(data) if packed else data)

    assert load_files().rows == 3
    assert rows("select array_agg(_position order by _position) from raw.things") == [([1, 4, 5],)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b"[" + b" ,\n".join(document(n, text='}],{"[\\"') for n in range(3)) + b"]\n"),
        ("a.rec", b'{"x": [{}], "data": {"y": 1, "things": [' + b",".join(document(n) for n in range(3)) + b"]}, "
         b'"z": 1}'),
    ],
)  # fmt: skip
def test_arrays_and_records_are_split_into_documents(database: str, source: Path, name: str, data: bytes) -> None:
    (source / name).write_bytes(data)
    assert load_files().rows == 3
    assert rows("select array_agg(_position order by _position) from raw.things") == [([1, 2, 3],)]


def test_an_array_larger_than_a_block_is_framed_across_blocks(database: str, source: Path) -> None:
    (source / "a.json").write_bytes(b"[" + b",".join(document(n, pad="x]" * (n % 997)) for n in range(5000)) + b"]")
    assert load_files().rows == 5000
    assert landed_ids() == Counter(f"t{n}" for n in range(5000))


@pytest.mark.parametrize(
    ("tail", "reason"),
    [(b', {"id": "t3", "upd', "cut_off"), (b' {"id": "t3"}]', "not_json"), (b",]", "not_json"), (b"] x", "not_json"),
     (b"", "cut_off")],
)  # fmt: skip
def test_a_broken_array_lands_what_precedes_the_break(database: str, source: Path, tail: bytes, reason: str) -> None:
    (source / "a.json").write_bytes(b"[" + document(1) + b"," + document(2) + tail)
    assert load_files().rows == 2
    assert [(reject.position, reject.reason) for reject in list_rejects()] == [(3, reason)]


def test_a_bad_element_of_an_array_does_not_hide_the_next(database: str, source: Path) -> None:
    (source / "a.json").write_bytes(b"[" + document(1) + b', {"id": NaN}, ' + document(3) + b"]")
    assert load_files().rows == 2
    assert [(reject.position, reject.reason) for reject in list_rejects()] == [(2, "not_json")]


def test_truncated_gzip_lands_what_precedes_the_cut(database: str, source: Path) -> None:
    packed = gzip.compress(b"\n".join(document(n, pad=f"{n * 7919:x}" * 9) for n in range(3000)))
    (source / "a.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    result = load_files(source / "a.ndjson.gz")
    assert 0 < result.rows < 3000
    assert landed_ids() == Counter(f"t{n}" for n in range(result.rows))
    assert [reject.reason for reject in list_rejects()] == ["cut_off"]


@pytest.mark.parametrize("data", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["a.ndjson", "a.json", "a.rec", "a.doc"])
def test_empty_files_balance(database: str, source: Path, data: bytes, name: str) -> None:
    (source / name).write_bytes(data)
    result = load_files()
    assert (result.rows, list(list_rejects())) == (0, [])


def test_a_file_can_be_one_document(database: str, source: Path) -> None:
    (source / "a.doc").write_bytes(b"\n" + document(1, nested={"a": 1}) + b"\n")
    (source / "b.doc").write_bytes(document(2)[:-3])
    assert load_files().rows == 1
    assert [(reject.name.rpartition("/")[2], reject.position, reject.reason) for reject in list_rejects()] == [
        ("b.doc", 1, "not_json")
    ]


def test_an_oversized_document_is_named_by_range_and_hash(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "4096")
    huge = b'{"id": "' + b"x" * 3_000_000 + b'"}'
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), huge, document(2)]))
    assert load_files().rows == 2
    (reject,) = list_rejects()
    assert (reject.position, reject.reason, reject.length) == (2, "too_large", len(huge))
    assert huge.startswith(reject.beginning) and len(reject.beginning) == 64 * 1024


def test_the_same_content_is_skipped_under_any_name(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(document(1) + b"\nbroken\n")
    load_files()
    assert load_files().summary.startswith("nothing new")
    assert rows("select count(*) from ledger.batches") == [(1,)]
    (source / "b.ndjson").write_bytes(document(1) + b"\nbroken\n")
    load_files()
    load_files()
    assert rows("select read, landed, rejected, skipped from ledger.batches order by batch_id") == [
        (2, 1, 1, 0),
        (2, 0, 0, 2),
    ]
    assert landed_ids() == Counter({"t1": 1})


def test_unknown_fields_land_and_are_reported_as_drift(database: str, source: Path) -> None:
    lines = [document(1), document(2, new=1, nested={"a": 1, "b": "x"}), document(3, new=2)]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    assert load_files().rows == 3
    assert rows("select pointer, json_type, documents from ledger.drift order by pointer") == [
        ("/nested/b", "string", 1),
        ("/new", "integer", 2),
    ]


def test_two_loaders_at_once_land_each_row_once(database: str, source: Path) -> None:
    for number in range(6):
        (source / f"{number}.ndjson").write_bytes(b"\n".join(document(number * 10_000 + n) for n in range(2000)))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            load_files()
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert set(landed_ids().values()) == {1}
    assert len(landed_ids()) == 12_000


@pytest.mark.parametrize(("ahead_seconds", "waits"), [(-3600, 0), (-0.01, 1), (0.01, 1), (3600, 0)])
def test_a_load_waits_only_for_a_modification_time_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_seconds: float, waits: int
) -> None:
    path, now, waited = tmp_path / "a.ndjson", time.time_ns(), []
    path.touch()
    os.utime(path, ns=(now, now + round(ahead_seconds * 1e9)))
    monkeypatch.setattr("loader.reading.input_files.time", SimpleNamespace(time_ns=lambda: now, sleep=waited.append))
    identify(path)
    assert len(waited) == waits


def test_a_small_file_that_changes_while_read_lands_nothing(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1))
    import loader.plan

    real = loader.plan.identify

    def and_grow(found: Path) -> Any:
        identified = real(found)
        path.write_bytes(document(1) + b"\n" + document(2))
        return identified

    monkeypatch.setattr(loader.plan, "identify", and_grow)
    with pytest.raises(FileChanged, match="changed while it was read"):
        load_files()
    monkeypatch.undo()
    assert rows("select count(*) from raw.things") == [(0,)]
    assert rows("select count(*) from ledger.inputs") == [(0,)]


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_lands_like_a_file(
    database: str, source: Path, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"\n".join([document(1), b"{", document(2)])
    ours, theirs = os.pipe()
    os.write(theirs, gzip.compress(data) if packed else data)
    os.close(theirs)
    with os.fdopen(ours) as given, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", given)
        load(Request(("things",), ("-",)))
    assert landed_ids() == Counter(["t1", "t2"])
    assert [(reject.name, reject.position, reject.reason) for reject in list_rejects("things")] == [
        ("-", 2, "not_json")
    ]


def test_a_dry_run_writes_nothing(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(document(1) + b"\nbroken\n")
    result = load_files(dry_run=True)
    assert (result.rows, result.tallies["things"].rejected) == (1, 1)
    output = CliRunner().invoke(loader, ["load", "things", "--dry-run"]).output
    assert output.splitlines()[-1] == "nothing written: 1 document of 1 file would be landed, 1 would be rejected"
    assert rows("select count(*) from ledger.runs") == [(0,)]


def test_why_distinguishes_rejected_landed_and_never_seen(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1) + b"\nbroken\n\n")
    load_files()
    assert any("landed in raw.things" in line for line in why(f"{path}:1"))
    assert any("rejected: not_json" in line for line in why(f"{path}:2"))
    with pytest.raises(Exception, match="ends before that position"):
        why(f"{path}:99")
    for command in ("rejects", "drift"):
        result = CliRunner().invoke(loader, [command, "thing"])
        assert isinstance(result.exception, SourceUnknown)
    with pytest.raises(Exception, match="is not a coordinate"):
        why("nothing")


def test_mistakes_are_one_line(database: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceUnknown, match="declared sources are things"):
        load(Request(("other",)))
    with pytest.raises(FileRefused, match=r"no file for source things"):
        load_files()
    with pytest.raises(FileRefused, match="no such file"):
        load_files(source / "absent")
    with pytest.raises(FileRefused, match="contains no files"):
        load_files(source)
    (tmp_path / "declared" / "things.schema.json").write_text('{"type": "nonsense"}')
    with pytest.raises(SourceBroken, match="is not a JSON Schema"):
        load_files()
    (tmp_path / "declared" / "things.schema.json").unlink()
    with pytest.raises(SourceBroken, match="has no contract"):
        load_files()


def test_a_source_without_files_does_not_stop_the_others(database: str, source: Path) -> None:
    other = (source.parent / "declared" / "things.yml").read_text().replace("source: things", "source: later")
    (source.parent / "declared" / "later.yml").write_text(other.replace("*.", "later/*."))
    (source / "a.ndjson").write_bytes(document(1))
    assert load().tallies.keys() == {"things"}
    with pytest.raises(
        FileRefused, match=r"no file for source later in .*: put one there that matches later/\*\.ndjson"
    ):
        load(Request(("later",)))
