"""What `waybill backup` prints, writes to a pipe, and says when it fails or is interrupted."""

from __future__ import annotations

import gzip
import os
import pty
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import psutil
import pytest

from loader.erasing.secret import make_secret
from pipeline.backups.folders import find_backups
from pipeline.backups.making.backup import remove_unfinished
from pipeline.backups.making.destination import staging_folder
from pipeline.backups.verifying import verify_backup
from tests.support.backed_up.orders_to_back_up import beside_the_log
from tests.support.clones import HANDLES_CTRL_C
from tests.support.databases import current_server_paths, rows
from warehouse import embedded
from warehouse.connection import engine
from waybill.cli import TRY_AGAIN
from waybill.settings import get_settings

WAITS = """
select exists (
    select from pg_stat_activity where application_name = 'waybill backup' and wait_event_type = 'Lock'
)
"""
WAYBILL = (sys.executable, "-m", "waybill", "backup")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WAYBILL, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


def test_a_backup_says_where_it_is_and_what_it_holds(landed: Path, folder: Path) -> None:
    ran = run(folder, "--keep", "2")
    (backup,) = find_backups(folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    first, second, check = ran.stdout.splitlines()
    assert first == f"backup: {backup}"
    assert " rows (" in second
    assert ", 2 models (" in second
    assert check.endswith(f"waybill backup --verify {backup}")
    checked = run("--verify", folder)
    assert checked.stdout.startswith(f"whole:  {backup.name}: ")
    (backup / "database" / "toc.dat").write_bytes(b"other")
    checked = run(folder, "--verify")
    message = f"error: {backup}/database/toc.dat is not the file that was written: use another backup\n"
    assert (checked.returncode, checked.stderr) == (1, message)


def test_a_pipe_gets_an_archive_of_a_whole_backup(landed: Path, tmp_path: Path) -> None:
    with (tmp_path / "backup.tar").open("wb") as archive:
        ran = subprocess.run([*WAYBILL, "-"], stdout=archive, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 0
    assert ran.stderr.startswith("backup: standard output, ")
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert archive.getnames()[-1].endswith("/manifest.json")
    (tmp_path / "extracted").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "backup.tar", "-C", tmp_path / "extracted"], check=True)
    (backup,) = find_backups(tmp_path / "extracted")
    manifest = verify_backup(backup)
    assert rows("select backup_id::text, folder from ledger.backups") == [(manifest.backup_id, None)]
    assert list(staging_folder(get_settings()).glob(".*")) == []
    forgotten = run(backup.name, "--forget")
    assert (forgotten.returncode, forgotten.stdout) == (0, f"forgotten: {backup.name}\n")
    assert rows("select * from ledger.backups") == []


def test_a_reader_that_ends_early_fails_the_backup(landed: Path) -> None:
    ran = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" - | head -c 1000 > /dev/null', "bash", *WAYBILL],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == TRY_AGAIN
    assert ran.stderr.startswith("error: the program that reads the pipe ended before the backup was complete")
    assert list(staging_folder(get_settings()).glob(".*")) == []
    assert rows("select count(*) from ledger.backups") == [(1,)]  # part of it was written somewhere


def test_a_terminal_gets_no_archive(landed: Path) -> None:
    leader, terminal = pty.openpty()
    ran = subprocess.run([*WAYBILL, "-"], stdout=terminal, stderr=subprocess.PIPE, text=True, check=False)
    os.close(leader)
    os.close(terminal)
    assert ran.returncode == 2
    assert "a terminal cannot show a backup: send it to a program or a file" in ran.stderr


@pytest.mark.parametrize("arguments", [["-", "--keep", "1"], ["x", "--verify", "--wait"], ["x", "--keep", "0"]])
def test_options_that_do_not_fit_are_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_no_secret_is_in_a_backup(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = make_secret(get_settings())
    monkeypatch.setenv("WAYBILL_API_KEY", "key-of-the-api-4711")
    monkeypatch.setenv("WAYBILL_READER_PASSWORD", "password-of-the-reader")
    assert run(folder).returncode == 0
    (backup,) = find_backups(folder)
    written = b"".join(content(path) for path in backup.rglob("*") if path.is_file())
    assert b"as ordered" in written
    for value in (secret, secret.hex().encode(), b"key-of-the-api-4711", b"password-of-the-reader"):
        assert value not in written


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_a_folder_that_is_still_written_to_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, folder, removed = shutil.rmtree, tmp_path / "unfinished", []

    def remove_beside_a_worker(path: Path, **options: bool) -> None:
        removed.append(path)
        remove(path, **options)
        if len(removed) == 1:  # its file came before the folder was deleted
            path.mkdir()
            (path / "3217.dat.gz").touch()

    folder.mkdir()
    monkeypatch.setattr(shutil, "rmtree", remove_beside_a_worker)
    remove_unfinished(folder)
    assert removed == [folder, folder] and not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_backup_leaves_nothing(landed: Path, folder: Path, number: signal.Signals) -> None:
    command = [*HANDLES_CTRL_C, *WAYBILL, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_dump(folder)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (128 + number, "")
    assert errors.lstrip() == "interrupted: nothing half-done is left; run the same command again\n"
    assert beside_the_log(folder) == []
    assert rows("select count(*) from ledger.backups") == [(0,)]


def test_a_killed_backup_is_never_taken_for_one(landed: Path, folder: Path) -> None:
    assert run(folder).returncode == 0
    (first,) = find_backups(folder)
    process = subprocess.Popen([*WAYBILL, str(folder)])
    (partial,) = wait_for_dump(folder)
    process.kill()
    process.wait()
    assert find_backups(folder) == [first]
    assert rows("select count(*) from ledger.backups") == [(2,)]  # what is left of it holds rows, too
    assert run(folder).returncode == 0
    assert not partial.exists()
    assert [Path(name) for (name,) in rows("select folder from ledger.backups order by 1")] == find_backups(folder)
    verify_backup(first)


def test_pg_dump_ends_with_a_backup_that_is_killed(landed: Path, folder: Path) -> None:
    with engine("owner").begin() as connection:
        connection.exec_driver_sql("lock table raw.orders in access exclusive mode")  # pg_dump waits for it
        process = subprocess.Popen([*WAYBILL, str(folder)])
        until = time.monotonic() + 60
        while not is_waiting():
            assert time.monotonic() < until
            time.sleep(0.05)
        programs = psutil.Process(process.pid).children(recursive=True)
        assert "pg_dump" in {program.name() for program in programs}
        process.kill()
        process.wait()
        assert psutil.wait_procs(programs, 10)[1] == []


def is_waiting() -> bool:
    """Return whether pg_dump waits for a lock; PostgreSQL answers the same within a transaction."""
    with engine("owner").connect() as connection:
        return bool(connection.exec_driver_sql(WAITS).scalar_one())


def test_a_server_that_stops_fails_the_backup(landed: Path, folder: Path) -> None:
    process = subprocess.Popen([*WAYBILL, str(folder)], stderr=subprocess.PIPE, text=True)
    wait_for_dump(folder)
    embedded.stop(current_server_paths())
    _, errors = process.communicate(timeout=120)
    assert process.returncode == TRY_AGAIN
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1
    assert beside_the_log(folder) == []


def wait_for_dump(folder: Path) -> list[Path]:
    """Wait until a backup is being written to a folder; return what is in it that is not complete."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        partial = [path for path in folder.glob(".*.partial") if (path / "database").exists()]
        if partial:
            return partial
        time.sleep(0.005)
    raise TimeoutError


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_leaves_older_backups(landed: Path, folder: Path) -> None:
    folder.mkdir()
    script = f"""
    mount -t tmpfs -o size=3m tmpfs {folder} && "$@" || exit 9
    "$@"; echo "failed with $?"; ls -A {folder} | grep -v jsonl; "$@" --verify
    """
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *WAYBILL, str(folder)], capture_output=True, text=True, check=False
    )
    *_, failed, older, checked = ran.stdout.splitlines()
    assert failed == "failed with 1"
    assert checked.startswith(f"whole:  {older}: ")
    (line,) = ran.stderr.splitlines()
    assert line.endswith("No space left on device; free some space and run the same command again")
    assert len(rows("select from ledger.backups")) == 1
