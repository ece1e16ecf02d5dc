"""What has landed is profiled like the files it came from, without the documents that were undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loader.declarations import Layout
from pipeline.errors import ModellingRefused
from pipeline.modelling.profiling.landed import profile_landed
from pipeline.modelling.profiling.profiling import profile
from tests.support.landing import land, make_empty
from warehouse.connection import connect, cursor_of
from warehouse.schema import ensure_raw_tables

UNDO = """
insert into ledger.undone_batches (batch_id, undo_id, run_id, undone_by, documents, closed_rejects, opened_rejects)
select batch_id, gen_random_uuid(), run_id, 'test', 1, 0, 0 from ledger.batches where batch_id = %s
"""
SOURCE = "cafes"
LAYOUT: Layout = "ndjson"
DOCUMENTS = [
    {"id": f"A{number}", "number": number / 4, "parts": [{"n": number}] * (number % 3)} for number in range(30)
]


def test_landed_documents_are_profiled_like_files(database: str, tmp_path: Path) -> None:
    make_empty()
    ensure_raw_tables(connect("owner"), [SOURCE])
    land(SOURCE, *DOCUMENTS[:10])
    land(SOURCE, *DOCUMENTS[10:])
    undone = land(SOURCE, {"id": None, "other": 1})
    land(SOURCE, None)  # type: ignore[arg-type]  # a message without a value
    with cursor_of("owner") as cursor:
        cursor.execute(UNDO, [str(undone)])
    (tmp_path / "same.ndjson").write_text("\n".join(map(json.dumps, DOCUMENTS)))
    landed, read = profile_landed(SOURCE), profile("things", [tmp_path], layout=LAYOUT)
    assert (landed.root, landed.keys, landed.documents) == (read.root, read.keys, 30)
    assert [(file.path, file.name, file.rejected) for file in landed.files] == [(None, "raw.cafes", 0)]


def test_a_source_that_has_not_landed_ends_in_one_line(database: str) -> None:
    make_empty()
    ensure_raw_tables(connect("owner"), [SOURCE])
    for source in (SOURCE, "unknown"):
        with pytest.raises(ModellingRefused, match=f"nothing of source {source} has landed"):
            profile_landed(source)
