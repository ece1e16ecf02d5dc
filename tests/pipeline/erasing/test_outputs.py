"""Which files an erase deletes: those that Waybill has written, and none of the user beside them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.erasing.finishing.outputs import delete_outputs, files_holding, histories_kept, names_for_certificate
from warehouse.dbt_login import DBT_PROJECT
from waybill.settings import get_settings

WRITTEN = (
    "reports/index.html",
    "reports/model.html",
    "reports/dbt_docs.html",
    "reports/data_docs/index.html",
    "processed/fct_removed_since.json",
    "target/manifest.json",
    "target/partial_parse.msgpack",
    "target/compiled/model.sql",
)
OF_THE_USER = (
    "reports/notes.html",
    "processed/mine.json",
    "processed/.fct_removed_since.state",
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


def test_programs_that_keep_what_was_typed_are_named(tmp_path: Path) -> None:
    assert histories_kept(get_settings()) == []
    (tmp_path / "state" / "airflow").mkdir(parents=True)
    [named] = histories_kept(get_settings())
    assert named.startswith(f"{tmp_path}/state/airflow, where Airflow keeps what was typed: delete it")
    (tmp_path / "state" / "pgadmin").mkdir()
    assert len(histories_kept(get_settings())) == 2


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


@pytest.mark.parametrize("name", ["cron.log", "run.log.1", "run.log-20261130", "api/api.log.2"])
def test_logs_are_emptied_also_rotated_ones(tmp_path: Path, name: str) -> None:
    log = tmp_path / "state" / name
    log.parent.mkdir(parents=True)
    with log.open("a") as written:  # as cron has it open
        written.write("A-1042 failed")
        written.flush()
        delete_outputs(get_settings())
        written.write("after")
    assert log.read_text() == "after"


@pytest.mark.parametrize("name", ["state/run.log.2.gz", "processed/.fct.json.{}.unfinished", "state/.a.{}.unfinished"])
def test_what_cannot_be_continued_is_deleted(tmp_path: Path, name: str) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, at_work = (tmp_path / name.format(process_id) for process_id in (ended.pid, os.getpid()))
    for path in {left, at_work}:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    delete_outputs(get_settings())
    assert not left.exists()
    assert at_work == left or at_work.exists()


@pytest.mark.parametrize("name", ["state/kafka/org.logging.jar", "state/.logins-1", "reports/.my.unfinished"])
def test_files_with_similar_names_stay(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    delete_outputs(get_settings())
    assert path.read_text() == "mine"


def test_files_of_the_project_that_hold_a_key_are_named() -> None:
    keys = ["model-paths"]
    files = files_holding(get_settings(), keys)
    assert DBT_PROJECT / "dbt_project.yml" in files
    assert "dbt_project/dbt_project.yml" in names_for_certificate(files, keys)


def test_a_file_name_with_a_key_is_not_in_a_certificate() -> None:
    keys = ["model-paths", "dbt_project.yml"]
    assert "dbt_project/dbt_project.yml" not in names_for_certificate(files_holding(get_settings(), keys), keys)
