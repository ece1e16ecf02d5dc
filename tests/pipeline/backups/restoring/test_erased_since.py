"""What was erased after a backup was made does not come back with it, and its keys stay barred."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loader.erasing.secret import secret_file
from loader.errors import EraseRefused
from ml.erasing.retraining import Retrained
from pipeline.backups.errors import BackupBroken, BackupRefused
from pipeline.backups.folders import ERASURES, backup_name, partial_of
from pipeline.backups.making.backup import back_up, stream_backup
from pipeline.backups.making.destination import pipe_log_folder
from pipeline.backups.manifest import read_manifest
from pipeline.backups.restoring.erasures import beside
from pipeline.backups.restoring.files import compare
from pipeline.backups.restoring.restore import Request, Restored, restore_backup
from pipeline.backups.restoring.unpacking import unpacked
from pipeline.backups.verifying import verify_backup
from pipeline.erasing.asked import Asked
from pipeline.erasing.erase import erase
from pipeline.erasing.finishing import steps
from pipeline.erasing.lifting import lift_bars
from pipeline.erasing.lineage import Lineage
from pipeline.errors import NotRetrained
from tests.support.backed_up.orders_to_back_up import load_orders
from tests.support.databases import fresh_database, rows
from warehouse.errors import RestoreRefused
from waybill.identifiers import uuid7
from waybill.settings import get_settings

NUMBERS = "select (document ->> 'order_number')::int from raw.orders where document ->> 'order_number' = any(%s)"


def key_of(number: int) -> str:
    return f"NE-{number}-2013~-12~-01"  # without models, each field is a text


def erase_orders(*numbers: int) -> None:
    erased = list(erase(Asked("orders", tuple(map(key_of, numbers))), "keep-marked"))
    assert [one.recorded.documents for one in erased] == [len(numbers)]


def orders_among(*numbers: int) -> list[int]:
    return sorted(number for (number,) in rows(NUMBERS, [str(number) for number in numbers]))


@contextmanager
def restored(backup: Path, *, has_log: bool = True) -> Iterator[Restored]:
    """Restore into a new database and another models folder."""
    with fresh_database("restored"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_MODELS", str(backup.parents[1] / "other"))
        yield restore_backup(Request(backup, beside(backup) if has_log else None))


def test_what_was_erased_since_is_erased_again(backup: Path) -> None:
    erase_orders(7, 8)
    with restored(backup) as result:
        assert orders_among(6, 7, 8, 9) == [6, 9]
        assert rows("select landed, erased, is_balanced from ledger.books") == [(200, 2, True)]
        ((completed, certificate),) = rows("select completed_at is not null, certificate from ledger.erasures")
        assert completed
        assert certificate["documents"] == 2
        load_orders(backup.parents[1], range(5, 10), note="again")
        assert orders_among(6, 7, 8, 9) == [6, 6, 9, 9]
    assert [line.partition(",")[0] for line in result.erased] == ["2 documents of orders"]


def test_a_restore_that_stops_while_it_erases_again_completes(
    backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_orders(7)
    other, models = back_up(folder).folder, folder.parent / "other"
    assert other is not None

    def stop(*_: object) -> None:
        for path in models.glob("returns/*/manifest.json"):
            path.write_text("changed by the erasure")
        raise KeyboardInterrupt

    monkeypatch.setenv("WAYBILL_MODELS", str(models))
    request = Request(backup, beside(backup))
    with fresh_database("restored"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("pipeline.backups.restoring.restore.erase", stop)
            restore_backup(request)
        with pytest.raises(RestoreRefused, match=r"manifest\.json .* not of this backup"):
            restore_backup(Request(other, beside(other)))
        restore_backup(request)
        assert orders_among(6, 7) == [6]
    assert compare(backup / "models", models).different == []


def test_a_task_that_cannot_be_trained_does_not_stop_a_restore(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.erasing.erase.read_lineage", lambda: Lineage({}, {}))
    monkeypatch.setattr(steps, "retrain", lambda tasks: Retrained(failed=["returns: no labelled row"]))
    with pytest.raises(NotRetrained, match=r"returns: no labelled row; .* of orders is not complete"):
        list(erase(Asked("orders", (key_of(7),)), "retrain"))
    with restored(backup) as result:
        assert orders_among(6, 7) == [6]
        assert rows("select completed_at from ledger.erasures") == [(None,)]
        assert [one.recorded.documents for one in erase(None, "keep-marked")] == [1]
    assert [line.partition(";")[0] for line in result.erased] == ["not complete: returns: no labelled row"]


@pytest.mark.timeout(600)  # it must not wait for itself
def test_a_backup_from_a_pipe_is_erased_again(backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = folder.parent / "backup.tar"
    with archive.open("wb") as file:
        name = stream_backup(file).name
    erase_orders(7)
    log = pipe_log_folder(get_settings()) / ERASURES
    ((certificate,),) = rows("select certificate from ledger.erasures")
    assert any("1 backup written to a pipe (" in one and name[-8:] in one for one in certificate["left_to_others"])
    at_work = partial_of(folder / backup_name(datetime.now(UTC), uuid7()), read_manifest(backup).warehouse_id)
    at_work.mkdir()  # another command writes a backup
    monkeypatch.setenv("WAYBILL_MODELS", str(folder.parent / "other"))
    with archive.open("rb") as pipe, unpacked(pipe, get_settings()) as found, fresh_database("restored"):
        restore_backup(Request(found, log, is_unpacked=True))
        assert orders_among(6, 7) == [6]
        verify_backup(found)
    assert at_work.exists()


def test_an_erasure_that_the_backup_has_is_not_done_again(backup: Path, folder: Path) -> None:
    erase_orders(7)
    later = back_up(folder).folder
    assert later is not None
    with restored(later) as result:
        assert orders_among(7) == []
        assert rows("select erased from ledger.books") == [(1,)]
    assert result.erased == []


def test_what_was_lifted_since_may_land_again(backup: Path) -> None:
    erase_orders(7, 8)
    lift_bars(Asked("orders", (key_of(8),)))
    with restored(backup):
        load_orders(backup.parents[1], range(6, 10), note="again")
        assert orders_among(7, 8) == [8]


def test_a_missing_log_is_refused_untouched(backup: Path) -> None:
    beside(backup).unlink()
    with (
        pytest.raises(
            BackupRefused, match=r"erasures\.jsonl is missing, .* or add --no-erasures if nothing was erased"
        ),
        restored(backup),
    ):
        pass
    with restored(backup, has_log=False):
        assert orders_among(7) == [7]


def test_a_damaged_log_is_refused(backup: Path) -> None:
    beside(backup).write_text("{half")
    with pytest.raises(BackupBroken, match=r"erasures\.jsonl is damaged"), restored(backup):
        pass


def test_the_secret_is_asked_for_by_name(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    erase_orders(7)
    file = secret_file(get_settings())
    secret = file.read_text()
    file.unlink()
    missing = "no backup holds the secret that they need: set WAYBILL_ERASURE_SECRET, or bring back "
    with pytest.raises(BackupRefused, match=missing), restored(backup):
        pass
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", "another secret of 30 characters")
    with pytest.raises(EraseRefused, match="with another secret than today's"), restored(backup):
        pass
    monkeypatch.setenv("WAYBILL_ERASURE_SECRET", secret.strip())
    with restored(backup):
        assert orders_among(7) == []


def test_the_secret_is_in_no_backup(backup: Path, folder: Path) -> None:
    erase_orders(7)
    back_up(folder)
    secret = secret_file(get_settings()).read_text().strip().encode()
    assert [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()] == []
