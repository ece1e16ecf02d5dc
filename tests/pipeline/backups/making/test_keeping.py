"""Older backups are deleted only when asked, after the new one is complete, and never one that is not ours."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Connection

from pipeline.backups.contents import Contents, read_contents
from pipeline.backups.errors import BackupFailed, BackupRefused
from pipeline.backups.folders import find_backup, find_backups
from pipeline.backups.known import forget_gone
from pipeline.backups.making import keeping
from pipeline.backups.making.backup import back_up, stream_backup
from pipeline.backups.making.facts import read_warehouse_id
from pipeline.backups.making.keeping import remove_all_leftovers
from pipeline.backups.verifying import verify_backup
from tests.support.backed_up.orders_to_back_up import beside_the_log
from tests.support.databases import rows
from waybill.settings import get_settings

FOLDERS = "select folder from ledger.backups order by folder"


def made(folder: Path, keep: int | None = None) -> Path:
    backup = back_up(folder, keep=keep).folder
    assert backup is not None
    return backup


def known() -> list[Path]:
    return [Path(name) for (name,) in rows(FOLDERS)]


def test_the_newest_backups_stay(landed: Path, folder: Path) -> None:
    first, second, third = (made(folder) for _ in range(3))
    assert find_backups(folder) == known() == sorted([first, second, third])
    newest = back_up(folder, keep=2)
    assert newest.deleted == [first, second]
    assert newest.folder is not None
    assert find_backups(folder) == known() == [third, newest.folder]
    assert find_backup(folder) == newest.folder


def test_the_new_backup_stays_if_the_clock_was_set_back(landed: Path, folder: Path) -> None:
    first = made(folder)
    later = first.with_name(f"2099{first.name[4:]}")
    first.rename(later)
    second = made(folder, keep=1)
    assert find_backups(folder) == [second]


def test_only_a_backup_that_is_gone_can_be_forgotten(landed: Path, folder: Path) -> None:
    piped, kept, gone = stream_backup(BytesIO()), made(folder), made(folder)
    shutil.rmtree(gone)
    for name in (kept, folder):
        with pytest.raises(BackupRefused, match=f"{kept.name} still exists: delete it first; nothing was changed"):
            forget_gone(str(name))
    with pytest.raises(BackupRefused, match="no backup 20130101T000000Z-00000000 is known"):
        forget_gone("20130101T000000Z-00000000")
    assert rows("select count(*) from ledger.backups") == [(3,)]
    forget_gone(str(gone))
    forget_gone(piped.name)
    assert known() == [kept]


def test_what_is_not_ours_is_never_deleted(landed: Path, folder: Path) -> None:
    folder.mkdir()
    foreign = folder / "20130101T000000Z-00000000"
    foreign.mkdir()
    (foreign / "manifest.json").write_text("{}")
    (folder / "notes").mkdir()
    (folder / ".20130101T000000Z-00000000.someone-else.partial").mkdir()
    before = set(beside_the_log(folder))
    made(folder, keep=1)
    newest = made(folder, keep=1)
    assert set(beside_the_log(folder)) == {*before, newest}


def test_a_backup_that_fails_deletes_none(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(folder)

    def fail(connection: object) -> None:
        raise BackupFailed("it failed")

    with monkeypatch.context() as patch, pytest.raises(BackupFailed):
        patch.setattr("pipeline.backups.making.backup.read_contents", fail)
        back_up(folder, keep=1)
    assert beside_the_log(folder) == known() == [first]
    verify_backup(first)


def test_an_interrupted_deletion_is_completed_by_the_next(
    landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(folder)

    def interrupt(partial: Path, backup: Path) -> None:
        (partial / "manifest.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keeping, "_remove", interrupt)
        back_up(folder, keep=1)
    (second,) = find_backups(folder)
    assert first in known()
    third = made(folder)
    assert beside_the_log(folder) == known() == [second, third]


def test_a_backup_that_a_person_deleted_is_forgotten(landed: Path, folder: Path) -> None:
    first = made(folder)
    shutil.rmtree(first)
    second = made(folder)
    assert known() == [second]


def test_backups_on_a_disk_that_is_not_mounted_stay_known(landed: Path, folder: Path) -> None:
    first = made(folder)
    disk = folder.rename(landed / "disk")
    folder.mkdir()
    with pytest.raises(BackupRefused, match="had 1 backup and has none: mount its disk"):
        made(folder)
    assert list(folder.iterdir()) == []
    assert known() == [first]
    folder.rmdir()
    disk.rename(folder)
    assert [first, made(folder)] == known()


def test_a_first_backup_that_failed_is_made_again(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: object) -> None:
        raise BackupFailed("it failed")

    with monkeypatch.context() as patch, pytest.raises(BackupFailed):
        patch.setattr("pipeline.backups.making.backup.read_contents", fail)
        patch.setattr("pipeline.backups.making.backup.forget_backup", lambda backup_id: None)  # the server is away
        back_up(folder)
    assert len(known()) == 1
    second = made(folder)
    assert known() == [second]


def test_a_backup_at_work_is_not_left_over(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def try_to_remove(connection: Connection) -> Contents:
        assert remove_all_leftovers(read_warehouse_id(connection), get_settings()) == []
        return read_contents(connection)

    monkeypatch.setattr("pipeline.backups.making.backup.read_contents", try_to_remove)
    verify_backup(made(folder))


def test_an_erasure_can_remove_what_interrupted_backups_left(landed: Path, folder: Path) -> None:
    backup = back_up(folder)
    assert backup.folder is not None
    partial = folder / f".{backup.folder.name}.{backup.manifest.warehouse_id}.partial"
    backup.folder.rename(partial)
    staged = get_settings().state_folder / "backups" / partial.name
    shutil.copytree(partial, staged)
    assert remove_all_leftovers(backup.manifest.warehouse_id, get_settings())
    assert not partial.exists()
    assert not staged.exists()
    assert known() == []
