"""`waybill load --records-at` says where the records of a file are, whatever the declaration says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from loader.__main__ import loader
from loader.errors import LayoutChanged
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.interrupted_loads import Killed, kill_load_after

RECORDS = b'{"made": "today", "a b": {"c/d": [' + b",\n".join(document(n) for n in range(200)) + b"]}}"
POINTER = "/a b/c~1d"


def test_records_are_read_where_the_flag_says(database: str, source: Path) -> None:
    (source / "a.rec").write_bytes(RECORDS)
    result = CliRunner().invoke(loader, ["load", "things", str(source / "a.rec"), "--records-at", POINTER])
    assert result.exit_code == 0
    assert sum(landed_ids().values()) == 200
    assert rows("select layout, records_at from ledger.inputs") == [("records", POINTER)]
    again = Request(("things",), (str(source / "a.rec"),), "records", records_at=POINTER)
    assert (load(again).new_files, sum(landed_ids().values())) == (0, 200)


def test_a_dry_run_reads_them_too_and_writes_nothing(database: str, source: Path) -> None:
    (source / "a.json").write_bytes(RECORDS)
    arguments = ["load", "things", str(source / "a.json"), "--layout", "records", "--records-at", POINTER, "--dry-run"]
    assert "landed       200 + rejected     0" in CliRunner().invoke(loader, arguments).output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--layout", "array", "--records-at", "/x"], "--records-at goes with --layout records, not with array"),
        (["--records-at", "data"], "'data' is not a JSON pointer, such as /data/items"),
        (["--records-at", ""], "'' is not a JSON pointer"),
    ],
    ids=str,
)
def test_flags_that_contradict_each_other_are_refused(source: Path, arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(loader, ["load", "things", *arguments])
    assert result.exit_code == 2
    assert expected in result.output


def test_the_message_of_a_broken_load_names_the_flags(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.rec").write_bytes(RECORDS)
    given = Request(("things",), (str(source / "a.rec"),), "records", records_at=POINTER)
    with monkeypatch.context() as patch:
        kill_load_after(1, patch)
        with pytest.raises(Killed):
            load(given)
    with pytest.raises(LayoutChanged, match=r"finish it with `--layout records --records-at '/a b/c~1d'`"):
        load(Request(("things",)))
    load(given)
    assert landed_ids() == Counter(f"t{n}" for n in range(200))
