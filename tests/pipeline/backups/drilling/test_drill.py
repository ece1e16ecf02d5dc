"""A drill restores a backup into a scratch server, compares, and leaves nothing, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loader.erasing.secret import key_hash, make_secret, secret_check
from pipeline.backups.contents import read_contents
from pipeline.backups.drilling.command import restore_in_scratch
from pipeline.backups.erasure_log import LoggedErasure, append
from pipeline.backups.making.backup import back_up
from pipeline.backups.restoring.erasures import beside
from pipeline.backups.restoring.restore import Request
from pipeline.erasing.finishing.backup_logs import remove_interrupted
from tests.support.clones import HANDLES_CTRL_C
from tests.support.databases import rows
from tests.support.declared.orders import DECLARATION
from warehouse.connection import engine
from warehouse.restoring.scratch import PREFIX
from waybill.settings import get_settings

ERASURE = "01a22c0a-f583-78f7-823c-5c318aabf79c"
WAYBILL = (sys.executable, "-m", "waybill", "drill")


@pytest.fixture
def backup(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Back up 200 orders; temporary files are in a folder of the test."""
    made = back_up(folder).folder
    assert made is not None
    monkeypatch.setenv("WAYBILL_RAW", str(landed / "raw"))
    return made


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder for temporary files; nothing of a drill is left there, and no process."""
    with tempfile.TemporaryDirectory(prefix="drill-") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def left(temporary: Path) -> tuple[list[str], list[str]]:
    """Return the folders and the processes that a drill has left."""
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [path.name for path in temporary.glob(f"{PREFIX}*")], [one for one in commands if str(temporary) in one]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WAYBILL, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=200)


def test_a_drill_compares_and_leaves_nothing(backup: Path, folder: Path, temporary: Path) -> None:
    with engine("owner").connect() as connection:
        before = read_contents(connection)
    ran = run(folder)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].startswith(f"drill:    {backup}, made 20")
    assert lines[1].startswith("          can be restored: it took ")
    assert [line for line in lines if line.startswith("equal:    1 hash of a mart")]
    assert [line for line in lines if line.startswith("lost:     ")]
    assert left(temporary) == ([], [])
    with engine("owner").connect() as connection:
        assert read_contents(connection) == before


def test_a_backup_that_cannot_be_restored_fails(backup: Path, folder: Path, temporary: Path) -> None:
    (backup / "database" / "toc.dat").write_bytes(b"other")
    ran = run(folder)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "database/toc.dat is not the file that was written" in ran.stderr
    assert left(temporary) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_leaves_nothing(
    backup: Path, folder: Path, temporary: Path, number: signal.Signals
) -> None:
    process = start(folder, temporary)
    process.send_signal(number)
    output = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number, output
    assert left(temporary) == ([], [])


def test_what_a_killed_drill_leaves_is_removed_by_the_next(backup: Path, folder: Path, temporary: Path) -> None:
    process = start(folder, temporary)
    process.kill()
    process.communicate(timeout=60)
    assert left(temporary) != ([], [])
    assert run(folder).returncode == 0
    assert left(temporary) == ([], [])


def test_an_erasure_removes_what_a_killed_drill_left(database: str, temporary: Path) -> None:
    (temporary / f"{PREFIX}killed" / "postgres").mkdir(parents=True)
    remove_interrupted()
    assert left(temporary) == ([], [])


def test_what_was_erased_since_is_erased_in_a_drill_only(backup: Path, temporary: Path, landed: Path) -> None:
    log = LoggedErasure(ERASURE, "orders", *_hash_of("NE-7-2013~-12~-01"), "keep-marked", "2030-01-01T00:00:00+00:00")
    append(backup.parent, [log])
    written = beside(backup).read_bytes()
    result, _ = restore_in_scratch(Request(backup, beside(backup), "leave"), lambda step: None)
    assert result.erased == [f"1 document of orders, erasure {ERASURE}"]
    assert beside(backup).read_bytes() == written
    assert rows("select count(*) from raw.orders") == [(200,)]
    assert rows("select count(*) from ledger.erasures") == [(0,)]
    assert left(temporary) == ([], [])


def _hash_of(key: str) -> tuple[list[str], list[list[str]], str]:
    """Return the hash of a key, the types of its fields, and what shows which secret it was made with."""
    secret = make_secret(get_settings())
    types = [[str(pointer), "text"] for pointer in DECLARATION["key"]]
    return [key_hash(secret, "orders", key).hex()], types, secret_check(secret, ERASURE).hex()


def test_a_drill_needs_no_warehouse(backup: Path, folder: Path, temporary: Path) -> None:
    away = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGUSER": "nobody", "PGPASSWORD": "none", "PGSSLMODE": "require"}
    ran = subprocess.run(
        [*WAYBILL, str(folder)], env={**os.environ, **away}, capture_output=True, text=True, check=False, timeout=200
    )
    assert ran.returncode == 0, ran.stderr


def start(folder: Path, temporary: Path) -> subprocess.Popen[str]:
    """Start a drill, and return it when its server is running."""
    process = subprocess.Popen(
        [*HANDLES_CTRL_C, *WAYBILL, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not list(temporary.glob(f"{PREFIX}*/postgres/data/postmaster.pid")):
        time.sleep(0.02)
    return process
