"""A restored warehouse is the one that was backed up: rows, rights, models and positions; nothing is overwritten."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.backups.contents import Contents, read_contents
from pipeline.backups.errors import BackupBroken, BackupRefused
from pipeline.backups.folders import find_backups
from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.restore import Request, Restored, restore_backup
from tests.support.backed_up.orders_to_back_up import load_orders
from tests.support.catalog import catalog
from tests.support.databases import fresh_database, rows
from warehouse.connection import engine
from warehouse.errors import RestoreInterrupted, RestoreRefused
from warehouse.migrations.layouts import SCHEMAS

pytestmark = [pytest.mark.creator, pytest.mark.plain]  # also on an external server: see `make test-server`


def contents() -> Contents:
    with engine("owner").connect() as connection:
        return read_contents(connection)


@contextmanager
def elsewhere(monkeypatch: pytest.MonkeyPatch, models: Path) -> Iterator[None]:
    """Name a new database and another models folder."""
    with fresh_database("restored"), monkeypatch.context() as patch:
        patch.setenv("WAYBILL_MODELS", str(models))
        yield


def restore(backup: Path) -> Restored:
    return restore_backup(Request(backup, None))


def made(folder: Path) -> Path:
    backup = back_up(folder).folder
    assert backup is not None
    return backup


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_restored_is_what_was_backed_up(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup, before = made(folder), catalog(*SCHEMAS)
    models = files_in(landed / "models")
    with elsewhere(monkeypatch, landed / "other" / "models"):
        result = restore(backup)
        assert catalog(*SCHEMAS) == before
        assert rows("select count(*) from raw.orders") == [(200,)]
        assert files_in(landed / "other" / "models") == models
        assert rows("select command, outcome from ledger.runs order by started_at desc limit 1") == [
            ("restore", "succeeded")
        ]
    assert result.checked[:2] == [
        f"{sum(result.manifest.contents.rows.values()):,} rows of {len(result.manifest.contents.rows)} tables",
        "1 hash of a mart",
    ]


def test_files_continue_where_the_ledger_is(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = made(folder)
    with elsewhere(monkeypatch, landed / "other"):
        restore(backup)
        load_orders(landed, range(150, 250), note="again")
        assert rows("select count(*), count(distinct document ->> 'order_number') from raw.orders") == [(300, 250)]
        assert rows("select is_balanced from ledger.books") == [(True,)]


def test_one_flipped_byte_is_refused_by_name(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = made(folder)
    largest = max((backup / "database").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    with elsewhere(monkeypatch, landed / "other"):
        with pytest.raises(BackupBroken, match=f"database/{largest.name} is not the file that was written"):
            restore(backup)
        assert rows("select count(*) from ledger.runs") == [(0,)]


def test_a_warehouse_with_data_is_refused_untouched(landed: Path, folder: Path) -> None:
    backup = made(folder)
    load_orders(landed, range(200, 210))
    before = contents()
    with pytest.raises(
        RestoreRefused, match=r"is not empty, \d+ tables have rows: raw\.orders, .* nothing was changed"
    ):
        restore(backup)
    assert contents() == before


def test_other_models_are_refused_untouched(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = made(folder)
    (landed / "other" / "returns").mkdir(parents=True)
    (landed / "other" / "returns" / "current").write_text("mine")
    with elsewhere(monkeypatch, landed / "other"):
        with pytest.raises(RestoreRefused, match=r"other is not empty: returns/current is not of this backup; move "):
            restore(backup)
        assert rows("select count(*) from ledger.runs") == [(0,)]
    assert files_in(landed / "other") == {"returns/current": b"mine"}


def test_a_newer_layout_is_refused(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = made(folder)
    with elsewhere(monkeypatch, landed / "other"), monkeypatch.context() as patch:
        patch.setattr("pipeline.backups.restoring.checks.latest_layout", lambda: 17)
        with pytest.raises(BackupRefused, match=r"was made by a newer Waybill \(its layout is 18, this one knows 17\)"):
            restore(backup)


def test_a_restore_that_fails_begins_again(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = made(folder)
    with elsewhere(monkeypatch, landed / "other"):
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr("pipeline.backups.restoring.restore.check_contents", lambda *_, **__: 1 / 0)
            restore(backup)
        with pytest.raises(RestoreInterrupted):
            rows("select 1")
        restore(backup)
        assert rows("select count(*) from marts.fct_orders") == [(200,)]


def test_what_is_not_a_whole_backup_is_refused(landed: Path, folder: Path, tmp_path: Path) -> None:
    backup = made(folder)
    (backup / "manifest.json").unlink()
    assert find_backups(folder) == []
    (tmp_path / "half").mkdir()
    shutil.copytree(backup / "database", tmp_path / "half" / "database")
    with pytest.raises(BackupBroken, match=r"half is not a whole backup, it has no manifest\.json: use another"):
        restore(tmp_path / "half")


def test_later_backups_of_the_folder_are_known_again(
    landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = made(folder), made(folder)
    with elsewhere(monkeypatch, landed / "other"):
        restore(first)
        assert rows("select folder from ledger.backups order by folder") == [(str(first),), (str(second),)]
