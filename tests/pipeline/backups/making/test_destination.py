"""A folder that cannot take a backup is refused in one line, and nothing in it changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.backups.errors import BackupRefused
from pipeline.backups.making.backup import back_up
from pipeline.backups.making.destination import prepare_folder
from tests.support.backed_up.orders_to_back_up import beside_the_log, load_orders
from tests.support.databases import fresh_database, rows
from warehouse.connection import current_warehouse
from waybill.settings import PROJECT, get_settings

INSIDE = (
    "loader/sources/new",
    "data/raw",
    "models/backups",
    "reports",
    ".waybill/new",
    "secrets",
    "somewhere",
    "backups2",
)


def refusal(folder: Path) -> str:
    with pytest.raises(BackupRefused) as refused:
        prepare_folder(folder, current_warehouse())
    (line,) = str(refused.value).splitlines()
    return line


@pytest.mark.parametrize("name", INSIDE)
def test_the_project_takes_no_backups_but_in_one_folder(name: str) -> None:
    assert "choose a folder outside, or `backups` in the project" in refusal(PROJECT / name)
    assert not (PROJECT / name).exists() or name in ("data/raw", "models/backups", "reports", "secrets")


def test_the_project_itself_takes_no_backups() -> None:
    assert refusal(PROJECT).endswith(" is used by Waybill itself: choose a folder outside, or `backups` in the project")


def test_a_file_system_that_takes_no_folder(tmp_path: Path) -> None:
    assert refusal(Path("/proc/backups")).startswith("/proc/backups cannot be made: No such file or directory: choose")


def test_a_way_around_into_the_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(PROJECT / "dbt_project")
    assert "is in " in refusal(tmp_path / "link" / "macros" / "new")
    assert "is in " in refusal(tmp_path / ".." / os.path.relpath(PROJECT, tmp_path.parent) / "loader" / "new")


def test_folders_that_the_settings_name_take_no_backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("raw", "models", "reports", "processed", "state"):
        monkeypatch.setenv(f"WAYBILL_{kind.upper()}", str(tmp_path / kind))
        (tmp_path / kind).mkdir(exist_ok=True)
        assert f"is in {tmp_path / kind}" in refusal(tmp_path / kind / "backups")


def a_file(folder: Path) -> None:
    folder.write_text("a file")


def a_backup(folder: Path) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"name": "a web application"}')


def no_parent(folder: Path) -> None:
    folder.parent.rmdir()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (a_file, "is not a folder: name one, or a new one"),
        (a_backup, "has a manifest.json, as a backup itself has: name the folder above it, or a new one"),
        (no_parent, "cannot be made, its parent folder is missing: make it, or mount its disk, first"),
    ],
    ids=["file", "backup", "no parent"],
)
def test_what_is_no_folder_for_backups_is_named(tmp_path: Path, made: Callable[[Path], None], message: str) -> None:
    folder = tmp_path / "disk" / "backups"
    folder.parent.mkdir()
    made(folder)
    assert refusal(folder) == f"{folder} {message}"


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    folder = tmp_path / "backups"
    assert refusal(folder) == (
        f"{folder} cannot be written to: give your user the permission, or choose another folder"
    )


def test_backups_of_another_warehouse_are_left_alone(landed: Path, folder: Path) -> None:
    first = back_up(folder).folder
    own = get_settings().pgdatabase
    with fresh_database("other"):
        load_orders(landed, range(3))
        with pytest.raises(BackupRefused, match=f"has backups of another warehouse, such as .* of the database {own}"):
            back_up(folder, keep=1)
        assert rows("select count(*) from ledger.backups") == [(0,)]
    assert beside_the_log(folder) == [first]


def test_a_server_newer_than_pg_dump_is_refused_by_name(
    landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.backups.making.backup.pg_dump_version", lambda: "15.4")
    with pytest.raises(
        BackupRefused, match=r"the server is PostgreSQL 1\d\.\d+, and Waybill's pg_dump 15\.4 reads no newer"
    ):
        back_up(folder)
    assert beside_the_log(folder) == []
