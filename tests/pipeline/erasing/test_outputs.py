"""Which files an erase deletes: those that Waybill has written, and none of the user beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.erasing.finishing.outputs import delete_outputs, files_holding
from waybill.settings import get_settings

WRITTEN = (
    "reports/index.html",
    "reports/model.html",
    "reports/dbt_docs.html",
    "reports/data_docs/index.html",
    "processed/fct_removed_since.json",
    "target/manifest.json",
    "target/compiled/model.sql",
)
OF_THE_USER = (
    "reports/notes.html",
    "processed/mine.json",
    "processed/.fct_removed_since.state",
    "target/partial_parse.msgpack",
    "target/mine.txt",
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, name in (
        ("WAYBILL_REPORTS", "reports"),
        ("WAYBILL_PROCESSED", "processed"),
        ("WAYBILL_STATE", "state"),
        ("DBT_TARGET_PATH", "target"),
        ("DBT_LOG_PATH", "logs"),
    ):
        monkeypatch.setenv(variable, str(tmp_path / name))


def test_files_of_the_user_stay(tmp_path: Path) -> None:
    for name in (*WRITTEN, *OF_THE_USER):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    delete_outputs(get_settings())
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == sorted(OF_THE_USER)


@pytest.mark.parametrize(
    ("key", "content", "is_named"),
    [
        ("A-1042", b"about A-1042.", True),
        ("A-1042", b"about A-10421", False),
        ("A-1042", b"\0A-1042", False),  # not a text: in enough bytes, any short key is found
        ("A-1042-2013", b"\0BA-1042-20131", True),
        ("42", b"42", False),
        ("1042", b"1042", False),
    ],
)
def test_notes_that_hold_a_key_are_named(tmp_path: Path, key: str, content: bytes, *, is_named: bool) -> None:
    note = tmp_path / "reports" / "note.txt"
    note.parent.mkdir()
    note.write_bytes(content)
    assert (note in files_holding(get_settings(), [key])) is is_named
