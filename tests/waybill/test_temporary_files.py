"""Nothing is left of temporary files and folders, not even if the process that made them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from waybill import temporary_files
from waybill.temporary_files import PREFIX, left_folders, locked_folder, temporary_file, temporary_folder

KILLED = """
import os, signal
from pathlib import Path
from waybill import temporary_files

temporary_files.DESCRIPTORS = Path("/missing") if {is_named} else temporary_files.DESCRIPTORS
with temporary_files.{made}() as path:
    (path / "values" if path.is_dir() else path).write_text("A-1042")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files, of this process and of its children."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def kill_with(made: str, *, is_named: bool = True) -> None:
    script = KILLED.format(made=made, is_named=is_named)
    ran = subprocess.run([sys.executable, "-c", script], env=os.environ, check=False)
    assert ran.returncode == -signal.SIGKILL


@pytest.mark.parametrize("made", ["temporary_folder", "temporary_file"])
def test_the_next_folder_removes_what_a_kill_left(folder: Path, made: str) -> None:
    kill_with(made)
    (left,) = folder.glob("*/*")
    assert left.read_text() == "A-1042"
    with temporary_folder() as first, temporary_folder() as second:
        assert sorted(folder.iterdir()) == sorted([first, second])
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not temporary_files.DESCRIPTORS.exists(), reason="only Linux opens a file that has no name")
def test_a_kill_leaves_no_temporary_file(folder: Path) -> None:
    kill_with("temporary_file", is_named=False)
    assert list(folder.iterdir()) == []


def test_a_temporary_file_is_read_as_often_as_needed(folder: Path) -> None:
    with temporary_file() as path:
        path.write_text("longer")
        path.write_text("short")
        assert [path.read_text(), path.read_text()] == ["short", "short"]


def test_a_new_folder_is_never_left_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = temporary_files.file_lock

    @contextmanager
    def slow_lock(path: Path) -> Iterator[None]:
        assert list(left_folders(PREFIX)) == []  # for another process, before the lock is taken
        with lock(path):
            yield

    monkeypatch.setattr(temporary_files, "file_lock", slow_lock)
    with locked_folder(PREFIX) as made:
        assert list(left_folders(PREFIX)) == []
        assert made.name.startswith(PREFIX)
    assert list(left_folders(PREFIX)) == [made]
