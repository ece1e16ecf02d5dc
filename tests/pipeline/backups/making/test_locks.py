"""A backup and what changes marts or models exclude each other; two backups of one warehouse do, too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pipeline.backups.contents import Contents, read_contents
from pipeline.backups.making.backup import back_up
from tests.support.backed_up.orders_to_back_up import beside_the_log
from warehouse.errors import RunInProgress
from warehouse.work_lock import only_run, run_beside

HOLDERS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "run": lambda: only_run("run"),
    "erasure": lambda: only_run("erase"),
    "score": lambda: run_beside("run score", ["score"]),
    "backup": lambda: run_beside("backup", ["backup"]),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_backup_is_refused_beside(landed: Path, folder: Path, holder: str) -> None:
    with HOLDERS[holder](), pytest.raises(RunInProgress, match="at work on this database"):
        back_up(folder)
    assert beside_the_log(folder) == []


def test_a_backup_can_wait_for_its_turn(landed: Path, folder: Path) -> None:
    made = list[Path | None]()
    waiting = threading.Thread(target=lambda: made.append(back_up(folder, waits=True).folder))
    with only_run("run dbt"):
        waiting.start()
        waiting.join(1.5)
        assert waiting.is_alive()
    waiting.join(60)
    assert made == beside_the_log(folder)


def test_a_backup_keeps_others_out(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def try_others(connection: object) -> Contents:
        for name, lock in HOLDERS.items():
            with pytest.raises(RunInProgress, match="waybill backup"), lock():
                pass
            tried.append(name)
        with run_beside("run train", ["train"]):
            tried.append("train")
        return read_contents(connection)  # type: ignore[arg-type]

    monkeypatch.setattr("pipeline.backups.making.backup.read_contents", try_others)
    back_up(folder)
    assert tried == [*HOLDERS, "train"]
