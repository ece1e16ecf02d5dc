"""What `waybill restore` prints, takes from a pipe, and says when it is refused or interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.backups.archive import write_archive
from pipeline.backups.making.backup import back_up
from tests.support.backed_up.orders_to_back_up import change_manifest
from tests.support.clones import HANDLES_CTRL_C
from tests.support.databases import fresh_database, rows
from waybill.cli import TRY_AGAIN
from waybill.settings import get_settings

WAYBILL = (sys.executable, "-m", "waybill", "restore")
MARKED = "select count(*) from pg_namespace where nspname = 'waybill_restore'"


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*WAYBILL, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def backup(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Back up 200 orders, then name an empty database, and folders for models and raw files that are empty."""
    made = back_up(folder).folder
    assert made is not None
    monkeypatch.setenv("WAYBILL_MODELS", str(landed / "other"))
    monkeypatch.setenv("WAYBILL_RAW", str(landed / "raw"))
    with fresh_database("restored"):
        yield made


def pack(backup: Path, archive: Path) -> None:
    """Write a backup as `waybill backup -` does."""
    with archive.open("wb") as file:
        write_archive(backup, backup.name, file)


def test_a_restore_says_what_came_back_and_what_is_lost(backup: Path, folder: Path) -> None:
    made_at = datetime.now(UTC) - timedelta(days=2, hours=3, minutes=30)
    change_manifest(backup, made_at=made_at.isoformat())
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    moment = f"{made_at:%Y-%m-%d %H:%M:%S} UTC"
    assert lines[0].startswith(f"restored: {backup}, made {moment}")
    assert lines[1].endswith(f" s into the database {get_settings().pgdatabase}")
    assert "equal:    the books of 1 source, 0 positions of topics" in lines
    assert f"lost:     what landed after {moment}, 2 d 3 h ago, until it is read again" in lines
    assert lines[-1].endswith("waybill run")
    assert rows("select count(*) from raw.orders") == [(200,)]
    again = run(folder)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "is not empty, " in again.stderr


def test_a_pipe_brings_back_the_same(backup: Path, folder: Path) -> None:
    archive = folder.parent / "backup.tar"
    subprocess.run(["tar", "-cf", archive, "-C", folder, backup.name], check=True)
    with archive.open("rb") as file:
        ran = run("-", "--erasures", folder / "erasures.jsonl", stdin=file)
    assert ran.returncode == 1
    assert "standard input is not a backup" in ran.stderr  # it has folders, which Waybill does not write
    pack(backup, archive)
    with archive.open("rb") as file:
        ran = run("-", "--erasures", folder / "erasures.jsonl", stdin=file)
    assert ran.returncode == 0, ran.stderr
    assert rows("select count(*) from marts.fct_orders") == [(200,)]
    assert not (get_settings().state_folder / "restoring").exists()


def test_half_an_archive_is_refused(backup: Path, folder: Path) -> None:
    archive = folder.parent / "backup.tar"
    pack(backup, archive)
    archive.write_bytes(archive.read_bytes()[:100_000])
    with archive.open("rb") as file:
        ran = run("-", "--no-erasures", stdin=file)
    assert ran.returncode == 1
    assert "standard input is not a whole backup" in ran.stderr
    assert rows("select count(*) from ledger.runs") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-",), "standard input has no log of erasures beside it"),
        (("x", "--erasures", "y", "--no-erasures"), "leave one of them out"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], message: str) -> None:
    ran = run(*arguments)
    assert ran.returncode == 2
    assert message in ran.stderr


def test_ctrl_c_leaves_what_the_same_command_completes(backup: Path, folder: Path) -> None:
    process = subprocess.Popen(
        [*HANDLES_CTRL_C, *WAYBILL, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not _is_marked():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGINT, output
    assert output.strip() == "interrupted: the restore is not complete; run the same command again"
    refused = subprocess.run([sys.executable, "-m", "waybill", "status"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"waybill restore {folder}` again" in refused.stderr
    assert run(folder).returncode == 0
    assert rows("select count(*) from raw.orders") == [(200,)]


def test_a_server_that_is_away_is_one_line(backup: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not get_settings().is_embedded:
        pytest.skip("it names its own server")
    away = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGUSER": "waybill"}
    ran = run(folder, env={**os.environ, **away})
    assert (ran.returncode, ran.stderr.count("\n")) == (TRY_AGAIN, 1)
    assert "127.0.0.1:1" in ran.stderr


def test_a_backup_of_something_else_is_refused(backup: Path, folder: Path) -> None:
    shutil.rmtree(backup / "database")
    (backup / "manifest.json").write_text('{"name": "a package"}')
    ran = run(backup)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "manifest.json is not the manifest of a backup of Waybill" in ran.stderr


def _is_marked() -> bool:
    import psycopg2

    from warehouse.connection import current_warehouse, login_parameters

    connection = psycopg2.connect(**login_parameters(current_warehouse(), "owner"))  # type: ignore[call-overload]
    try:
        with connection.cursor() as cursor:
            cursor.execute(MARKED)
            return bool(cursor.fetchone() == (1,))
    finally:
        connection.close()
