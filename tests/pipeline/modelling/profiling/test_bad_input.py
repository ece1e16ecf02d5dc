"""Bad input: documents that cannot be landed are counted with the reason; files without any end in one line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.errors import FileRefused
from pipeline.errors import ModellingRefused
from pipeline.modelling.profiling.profile import OtherKinds
from pipeline.modelling.profiling.profiling import profile
from pipeline.modelling.profiling.reading import chunks
from waybill.errors import WaybillError


def test_documents_that_cannot_be_landed_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "dirty.ndjson"
    lines = [b'{"id": 1}', b"{'id': 2}", b'{"id": "\\u0000"}', b'{"id": "\xff"}', b"5", b"null", b"[]", b'{"id": NaN}']
    path.write_bytes(b"\n".join([*lines, b'{"id": 3}', b'{"id": 1e400}', b'{"id": "\\\\u0000"}', b'{"id": 4']))
    found = profile("things", [path])
    (file,) = found.files
    assert (file.documents, file.rejected, found.documents) == (4, 8, 4)
    assert file.first_reject is not None
    assert file.first_reject.startswith("document 2: not_json: ")
    assert found.root.members["id"].kinds == {"integer": 3, "string": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "there are no documents"),
        (b" \n\n", "there are no documents"),
        (b"[]", "there are no documents"),
        (b'{"data": []}', None),
        (b"id,name\n1,x\n", "has no document that can be landed: document 1: not_json: "),
        (b"<html></html>", "an HTML page"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x28\xb5\x2f\xfd", "zstd: decompress it"),
        ('{"id": 1}'.encode("utf-16"), "UTF-16: convert it to UTF-8"),
        (b"[1, 2, 3]", 'breaks_contract: 1 is not of type "object"'),
        (b'"text"', 'breaks_contract: "text" is not of type "object"'),
    ],
)
def test_what_has_no_document_ends_in_one_line(content: bytes, message: str | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    if message is None:
        assert profile("things", [path]).documents == 1
        return
    with pytest.raises(ModellingRefused) as refused:
        profile("things", [path])
    assert message in str(refused.value)
    assert "bad.json" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_folder_ends_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="the folder contains no files"):
        profile("things", [tmp_path])
    with pytest.raises(FileRefused, match="no such file"):
        profile("things", [tmp_path / "missing"])


def test_a_file_without_documents_does_not_hide_others(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("")
    (tmp_path / "b.json").write_text('{"id": 1}')
    assert [file.documents for file in profile("things", [tmp_path]).files] == [0, 1]


@pytest.mark.parametrize("readings", [1, 2])
def test_a_file_that_changes_ends_in_one_line(readings: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "growing.ndjson"
    path.write_text("".join(f'{{"id": {number}}}\n' for number in range(10)))
    begun = 0
    read = chunks.Pass.chunks

    def grow(self: chunks.Pass) -> Iterator[list[Any]]:
        nonlocal begun
        begun += 1
        if begun == readings:
            with path.open("a") as file:
                file.write('{"other": 99}\n')
        yield from read(self)

    monkeypatch.setattr(chunks.Pass, "chunks", grow)
    monkeypatch.setattr("pipeline.modelling.profiling.keys.watching.MAX_WATCHED", 0)  # so that keys are read again
    with pytest.raises(WaybillError, match=r"growing.ndjson changed while it was read: run the same command again"):
        profile("things", [path])


def test_a_file_named_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"id": 1}')
    os.symlink(tmp_path / "a.json", tmp_path / "b.json")
    assert len(profile("things", [tmp_path, tmp_path / "a.json"]).files) == 1


@pytest.mark.parametrize("has_type", [True, False])
def test_several_kinds_of_documents_are_named(has_type: bool, tmp_path: Path) -> None:
    orders: list[dict[str, Any]] = [
        {"type": "order", "id": number, "total": 1, "items": [], "note": None} for number in range(6)
    ]
    people = [{"type": "person", "id": number, "name": "n", "born": 1, "email": "e"} for number in range(4)]
    if not has_type:
        orders = [{**order, "type": "any"} for order in orders]
        people = [{**person, "type": "any"} for person in people]
    (tmp_path / "mixed.ndjson").write_text("\n".join(map(json.dumps, [*orders, *people])))
    values = (('"order"', 6), ('"person"', 4)) if has_type else ()
    assert profile("things", [tmp_path]).other_kinds == OtherKinds(2, "/type" if has_type else None, values)


def test_optional_fields_are_no_kinds(tmp_path: Path) -> None:
    documents = [{"id": number, **({"note": "n"} if number % 3 else {"left": 1, "size": 2})} for number in range(9)]
    (tmp_path / "one.ndjson").write_text("\n".join(map(json.dumps, documents)))
    assert profile("things", [tmp_path]).other_kinds is None
