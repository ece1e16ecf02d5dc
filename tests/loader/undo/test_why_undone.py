"""`why` says of a document in an undone batch who undid it, when and why, and whether it can land again (P8)."""

from __future__ import annotations

from pathlib import Path

from loader.load import load
from loader.plan import Request
from loader.tracing.why import why
from loader.undo.undo import undo
from tests.support.databases import rows
from tests.support.documents import document


def test_why_names_who_undid_a_document_and_what_came_after(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1) + b"\nbroken\n")
    load(Request(("things",)))
    undo(str(path), reason="wrong month")
    ((run_id, undone_by),) = rows("select run_id, undone_by from ledger.undone_batches")

    undone = why(f"{path}:1")

    assert undone[0].startswith(f"{path}:1 is source things, file batch ")
    assert undone[2].startswith("its batch was undone 20")
    assert undone[2].endswith(f" UTC by {undone_by}, run {run_id}: wrong month")
    assert undone[3:] == ["loading the file again lands it again"]
    assert "rejected: not_json" in why(f"{path}:2")[2]

    load(Request(("things",)))
    again = why(f"{path}:1")
    assert again[3] == "the file was loaded again since"
    assert again[4].startswith(f"{path}:1 is source things, file batch ")
    assert again[-2].startswith("source bytes, fingerprint ")
