"""A load that only rejects ends with an error that names the remedy; a known file with rejects names `replay`."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from loader.__main__ import loader
from loader.errors import AllRejected
from loader.load import load
from loader.plan import Request
from pipeline.stages import WORK
from tests.support.documents import document

WRONG = b"[" + document(1) + b",\n" + document(2) + b"]"


def test_a_named_file_of_rejects_only_fails_the_load(
    database: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source / "a.ndjson"
    path.write_bytes(WRONG)
    for arguments in (["--dry-run"], [], []):
        with pytest.raises(AllRejected, match=r"a.ndjson: its only document was rejected, not_json: .*--layout array"):
            loader.main(["load", "things", str(path), *arguments], standalone_mode=False)
    assert "nothing new: the only file was landed before, and 1 document is a reject: " in capsys.readouterr().out
    (source / "b.ndjson").write_bytes(document(3) + b"\nbroken")
    assert load(Request(("things",), (str(source / "b.ndjson"),))).refusal is None
    with pytest.raises(AllRejected):
        loader.main(["load", "things", str(source)], standalone_mode=False)
    loader.main(["load", "things", str(path), "--layout", "array"], standalone_mode=False)
    again = load(Request(("things",))).summary
    assert "all 2 files were landed before, and 1 document is a reject" in again
    assert "replay things`" in again


def test_the_load_stage_warns_unless_nothing_ever_landed(
    database: str, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "a.ndjson").write_bytes(WRONG)
    with pytest.raises(AllRejected, match="its only document was rejected"):
        WORK["load"]()
    (source / "b.ndjson").write_bytes(document(3))
    with caplog.at_level(logging.WARNING):
        assert WORK["load"]().rows == 1
        assert WORK["load"]().rows == 0
    assert [message.partition(" rejected")[0] for message in caplog.messages] == [
        f"{source / 'a.ndjson'}: its only document was"
    ] * 2
