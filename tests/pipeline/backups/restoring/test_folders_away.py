"""The log beside backups that could not be written during an erasure is written later, and nobody can overlook it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loader.erasing.erase import unfinished
from pipeline.backups.erasure_log import LoggedErasure, read_log
from pipeline.backups.errors import BackupRefused
from pipeline.backups.folders import ERASURES
from pipeline.backups.known import forget_gone
from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.restore import Request, restore_backup
from pipeline.erasing.asked import Asked
from pipeline.erasing.erase import erase
from pipeline.erasing.lifting import lift_bars
from pipeline.erasing.lineage import Lineage
from pipeline.errors import LogsOutdated
from tests.support.databases import fresh_database, rows
from warehouse.connection import connect

KEY = "NE-7-2013~-12~-01"  # without models, each field is a text
ORDER = "select count(*) from raw.orders where document ->> 'order_number' = '7'"


@pytest.fixture(autouse=True)
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.erasing.erase.read_lineage", lambda: Lineage({}, {}))


def erase_while_away(match: str) -> None:
    """Erase an order: all is complete but the log, and the command fails."""
    with pytest.raises(LogsOutdated, match=match):
        list(erase(Asked("orders", (KEY,)), "keep-marked"))
    ((certificate,),) = rows("select certificate from ledger.erasures where completed_at is not null")
    assert "1 folder of backups could not be written to" in certificate["left_to_others"]
    assert unfinished(connect("keeper")) == []


def logged(folder: Path) -> list[int]:
    """Return the number of keys of each erasure in a log."""
    entries = read_log(folder / ERASURES)
    return [len(entry.key_hashes) for entry in entries if isinstance(entry, LoggedErasure)]


def test_the_next_erase_writes_the_log(backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = folder.rename(folder.parent / "away")
    erase_while_away(r"erasures\.jsonl could not be written \(No such file or directory\): .* run `.*waybill erase`")
    with pytest.raises(LogsOutdated, match=r"if they were deleted, `.*waybill backup --forget FOLDER`"):
        list(erase(None))
    assert logged(away) == []
    with pytest.raises(BackupRefused, match="had 1 backup and has none: mount its disk; or, if they were deleted, "):
        back_up(folder)
    assert not folder.exists()
    away.rename(folder)
    assert list(erase(None)) == []
    assert logged(folder) == [1]
    monkeypatch.setenv("WAYBILL_MODELS", str(folder.parent / "other"))
    with fresh_database("restored"):
        restore_backup(Request(backup, folder / ERASURES))
        assert rows(ORDER) == [(0,)]


def test_an_empty_mount_point_is_not_the_folder(backup: Path, folder: Path) -> None:
    disk = folder.rename(folder.parent / "disk")
    folder.mkdir()
    erase_while_away("could not be written .the folder has no backup: its disk may not be mounted.")
    assert list(folder.iterdir()) == []
    back_up(folder.parent / "others")  # forgets none of the backups
    with pytest.raises(BackupRefused, match="had 1 backup and has none: mount its disk"):
        back_up(folder)
    folder.rmdir()
    disk.rename(folder)
    assert list(erase(None)) == []
    assert logged(folder) == [1]


def test_an_erase_succeeds_when_deleted_backups_are_forgotten(backup: Path, folder: Path) -> None:
    back_up(folder)
    shutil.rmtree(folder)
    erase_while_away("No such file")
    forget_gone(str(folder))
    assert list(erase(None)) == []
    assert back_up(folder).outdated_logs == []
    assert logged(folder) == [1]


def test_the_next_backup_writes_the_log(backup: Path, folder: Path) -> None:
    away, others = folder.rename(folder.parent / "away"), folder.parent / "others"
    assert back_up(others).outdated_logs == []  # there is nothing to write
    erase_while_away("No such file")
    (problem,) = back_up(others).outdated_logs
    assert problem.startswith(f"{folder / ERASURES} could not be written")
    away.rename(folder)
    assert back_up(others).outdated_logs == []
    assert logged(folder) == logged(others) == [1]


def test_a_damaged_log_is_named_until_it_is_whole(backup: Path, folder: Path) -> None:
    log = folder / ERASURES
    log.write_text('{"erasure_id": ')
    erase_while_away(r"erasures\.jsonl is damaged: restore it from a copy")
    log.unlink()  # beside a backup, it is written again from the ledger
    assert list(erase(None)) == []
    assert logged(folder) == [1]


def test_a_restore_says_which_folder_is_away(backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = back_up(folder.parent / "others").folder
    assert later is not None
    list(erase(Asked("orders", (KEY,)), "keep-marked"))
    folder.rename(folder.parent / "away")
    monkeypatch.setenv("WAYBILL_MODELS", str(folder.parent / "other"))
    with fresh_database("restored"):
        result = restore_backup(Request(later, later.parent / ERASURES))
    assert [line.partition(" could")[0] for line in result.erased[1:]] == [f"not complete: {folder / ERASURES}"]


def test_a_lift_says_what_a_restore_would_do(backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(erase(Asked("orders", (KEY,)), "keep-marked"))
    folder.rename(folder.parent / "away")
    lifted, (problem,) = lift_bars(Asked("orders", (KEY,)))
    assert lifted == 1
    assert problem.endswith(
        "could not be written (No such file or directory): a restore of its backups may bar the keys again"
    )
