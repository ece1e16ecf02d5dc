"""Fields beside the records of a file are kept once per input, and can be the version of the records."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

import loader.declarations
from loader.errors import FileRefused, SourceBroken
from loader.load import load
from loader.plan import Request
from loader.reading.envelope import MAX_BYTES
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.interrupted_loads import Killed, kill_load_after

RECORDS = b"[" + b",".join(document(n) for n in range(200)) + b"]"
FILE = (
    b'{"dateReleased": "2026-03-01", "n": 1.50, "none": null, "tags": ["a"], "large": "' + b"x" * MAX_BYTES + b'",'
    b' "nul": "\\u0000", "data": {"part": 7, "deep": {"a": 1}, "things": ' + RECORDS + b', "after/slash": true},'
    b' "dateReleased": "2026-03-02", "late": "yes"}'
)
KEPT = {
    "/dateReleased": "2026-03-02", "/n": 1.5, "/none": None, "/data/part": 7, "/data/after~1slash": True,
    "/late": "yes",
}  # fmt: skip
ENVELOPE = "select envelope, envelope_left_out from ledger.inputs"


@pytest.mark.parametrize("kills", [0, 2])
def test_scalar_fields_beside_the_records_are_kept(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    (source / "a.rec").write_bytes(FILE)
    if kills:
        with monkeypatch.context() as patch:
            kill_load_after(kills, patch)
            with pytest.raises(Killed):
                load(Request(("things",)))
        assert rows(ENVELOPE)[0][0]["/dateReleased"] == "2026-03-01"
    load(Request(("things",)))
    assert landed_ids().total() == 200
    assert rows(ENVELOPE) == [(KEPT, ["/tags", "/large", "/nul", "/data/deep"])]
    lines = "\n".join(why(f"{source / 'a.rec'}:1"))
    assert '/dateReleased = "2026-03-02"' in lines
    assert "not kept: /tags, /large, /nul, /data/deep" in lines


def declare(**values: object) -> None:
    path = loader.declarations.SOURCES / "things.yml"
    declared = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**declared, **values}))


def test_a_version_beside_the_records_precedes_them(database: str, source: Path) -> None:
    declare(version="envelope:/v", files=[{"pattern": "*.rec", "layout": "records", "records_at": "/things"}])
    good, late, none = ({"v": 3, "things": []}, {"things": [], "v": 3}, {"v": [3], "things": []})
    for name, content in (("b", late), ("c", none)):
        (source / f"{name}.rec").write_bytes(orjson.dumps(content))
        with pytest.raises(FileRefused, match=rf"{name}.rec: no /v before the records.*correct `version`"):
            load(Request(("things",), (str(source / f"{name}.rec"),)))
    (source / "a.rec").write_bytes(orjson.dumps(good).replace(b"[]", RECORDS))
    assert load(Request(("things",), (str(source / "a.rec"),))).rows == 200
    assert rows(ENVELOPE) == [({"/v": 3}, None)]


@pytest.mark.parametrize("kills", [0, 2])
def test_a_version_does_not_change_after_the_records(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    declare(version="envelope:/v", files=[{"pattern": "*.rec", "layout": "records", "records_at": "/things"}])
    (source / "a.rec").write_bytes(b'{"v": 3, "n": 1, "things": ' + RECORDS + b', "v": 4, "n": 2}')
    if kills:
        with monkeypatch.context() as patch:
            kill_load_after(kills, patch)
            with pytest.raises(Killed):
                load(Request(("things",)))
    load(Request(("things",)))
    assert landed_ids().total() == 200
    assert rows(ENVELOPE) == [({"/v": 3, "/n": 2}, None)]


def test_a_version_beside_the_records_needs_records(source: Path) -> None:
    for wrong in ({}, {"topic": "things", "files": []}):
        declare(version="envelope:/v", **wrong)
        with pytest.raises(SourceBroken, match="only files of layout records have one"):
            load(Request(("things",), dry_run=True))
