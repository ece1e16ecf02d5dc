"""The layout of each file is recognised, also where files of one source differ; flags decide otherwise."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import pytest

from loader.reading.layouts import BEGINNING_BYTES
from pipeline.errors import ModellingRefused
from pipeline.modelling.profiling.profile import Profile
from pipeline.modelling.profiling.profiling import profile

ROWS = [{"id": number, "name": f"name {number}"} for number in range(5)]
LINES = "\n".join(map(json.dumps, ROWS))
PAGE = {"page": 1, "next": "http://example.com", "data": ROWS}
LARGE = [{"id": number, "text": "x" * 40_000} for number in range(5)]


def layouts(found: Profile) -> list[tuple[str, str | None, int]]:
    """Return layout, pointer and number of documents of each file."""
    return [(file.layout, file.records_at, file.documents) for file in found.files]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (LINES, ("ndjson", None, 5)),
        (f"\n\n{LINES}\n\n", ("ndjson", None, 5)),
        ("\ufeff" + LINES, ("ndjson", None, 5)),
        (json.dumps(ROWS), ("array", None, 5)),
        (json.dumps(ROWS, indent=2), ("array", None, 5)),
        (json.dumps(PAGE), ("records", "/data", 5)),
        (json.dumps(PAGE, indent=2), ("records", "/data", 5)),
        (json.dumps({"response": {"count": 5, "docs": ROWS}}), ("records", "/response/docs", 5)),
        (json.dumps({"type": "FeatureCollection", "features": ROWS}), ("records", "/features", 5)),
        (json.dumps({"things": ROWS, "others": ROWS[:2]}), ("records", "/things", 5)),
        (json.dumps({"some~thing/odd": ROWS}), ("records", "/some~0thing~1odd", 5)),
        (json.dumps(ROWS[0]), ("document", None, 1)),
        (json.dumps(ROWS[0], indent=2), ("document", None, 1)),
        (json.dumps({"name": "x", "grades": ROWS[:1]}), ("document", None, 1)),
        ("not json\n" + LINES, ("ndjson", None, 5)),
        ("\n".join(map(json.dumps, LARGE)), ("ndjson", None, 5)),
        (json.dumps({"data": LARGE}), ("records", "/data", 5)),
        (json.dumps({"data": LARGE}, indent=1), ("records", "/data", 5)),
        ("\n".join(json.dumps({"id": row["id"], "parts": LARGE}) for row in LARGE), ("ndjson", None, 5)),
        (json.dumps(LARGE), ("array", None, 5)),
    ],
)
def test_the_layout_of_a_file_is_recognised(content: str, expected: tuple[Any, ...], tmp_path: Path) -> None:
    path = tmp_path / "things.json"
    path.write_text(content)
    assert layouts(profile("things", [path])) == [expected]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_as_what_they_hold(compress: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(compress(json.dumps(PAGE).encode()))
    (tmp_path / "b.jsonl.gz").write_bytes(compress(LINES.encode()))
    assert layouts(profile("things", [tmp_path])) == [("records", "/data", 5), ("ndjson", None, 5)]


def test_files_of_different_layouts_are_one_source(tmp_path: Path) -> None:
    contents = {
        "a.json": json.dumps(ROWS),
        "b.ndjson": LINES,
        "c/d.json": json.dumps(PAGE),
        "c/e.json": json.dumps(PAGE),
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found = profile("things", [tmp_path])
    assert [layout for layout, *_ in layouts(found)] == ["array", "ndjson", "records", "records"]
    assert (found.documents, found.repeated) == (20, 15)


def test_one_document_a_file_keeps_its_arrays(tmp_path: Path) -> None:
    for number in range(3):
        order = {"id": number, "customer": "c", "items": [{"sku": f"s{number}"}, {"sku": "t"}]}
        (tmp_path / f"{number}.json").write_text(json.dumps(order, indent=1))
    found = profile("orders", [tmp_path])
    assert layouts(found) == [("document", None, 1)] * 3
    assert list(found.root.members) == ["customer", "id", "items"]


def test_flags_override_what_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(json.dumps({**PAGE, "meta": {"parts": ROWS[:2]}}))
    assert layouts(profile("things", [tmp_path], layout="document")) == [("document", None, 1)]
    assert layouts(profile("things", [path], records_at="/meta/parts")) == [("records", "/meta/parts", 2)]
    assert layouts(profile("things", [path], layout="records")) == [("records", "/data", 5)]


def test_standard_input_is_read_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    found = profile("things", ["-"])
    assert [(file.path, file.name, file.documents) for file in found.files] == [(None, "-", 5)]
    assert found.keys[0].pointers == ("/id",)


def test_several_possible_records_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps({"books": ROWS, "authors": ROWS}))
    with pytest.raises(ModellingRefused, match="arrays of objects are at /authors, /books; give `--records-at`"):
        profile("things", [path])


def test_documents_over_several_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pretty.json"
    path.write_text("\n".join(json.dumps(row, indent=2) for row in ROWS))
    with pytest.raises(ModellingRefused, match="several JSON documents that are not one per line: write them so with"):
        profile("things", [path])


def test_large_lines_are_larger_than_a_beginning() -> None:
    assert len(json.dumps(LARGE[0])) * 2 > BEGINNING_BYTES
