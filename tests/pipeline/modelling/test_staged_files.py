"""Files are added to the project completely or not at all, whatever interrupts it, and none is overwritten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling import staged_files
from pipeline.modelling.staged_files import add_files, compare, finish_interrupted
from waybill.settings import PROJECT

FILES = {"a/one.sql": "select 1\n", "a/b/two.yml": "version: 2\n", "three.json": "{}\n"}
KILLED = """
import json, os, signal, sys
from pathlib import Path
from pipeline.modelling.staged_files import add_files

def dying(call, after, calls=[0]):
    def counted(*arguments):
        calls[0] += 1
        if calls[0] == after + 1:
            os.kill(os.getpid(), getattr(signal, sys.argv[4]))
        return call(*arguments)
    return counted

after = int(sys.argv[3])
os.fsync = dying(os.fsync, after)
Path.rename = dying(Path.rename, after)
Path.replace = dying(Path.replace, after)
add_files(Path(sys.argv[1]), json.loads(sys.argv[2]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipeline").mkdir()
    return tmp_path


def content(project: Path) -> dict[str, str]:
    paths = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)): path.read_text() for path in paths}


def interrupted(project: Path, after: int, with_signal: str) -> int:
    """Add the files in a process that a signal ends at its call number `after` of those that reach the disk."""
    command = [sys.executable, "-c", KILLED, str(project), json.dumps(FILES), str(after), with_signal]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, check=False).returncode


def test_all_files_are_added(project: Path) -> None:
    add_files(project, FILES)
    assert content(project) == FILES
    assert compare(project, FILES).equal == tuple(sorted(FILES))


def test_nothing_is_added_where_one_file_exists(project: Path) -> None:
    (project / "three.json").write_text("mine")
    with pytest.raises(ModellingRefused, match=r"three\.json exists: nothing was written"):
        add_files(project, FILES)
    assert content(project) == {"three.json": "mine"}
    assert compare(project, FILES).different == ("three.json",)


@pytest.mark.slow
def test_a_killed_process_has_added_all_or_nothing(project: Path) -> None:
    seen = set()
    for after in range(20):
        code = interrupted(project, after, "SIGKILL")
        finished = finish_interrupted(project)
        left = content(project)
        assert left in ({}, FILES)
        assert bool(finished) <= (left == FILES)
        seen.add(bool(left))
        for name in left:
            (project / name).unlink()
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0 and seen == {True, False}


@pytest.mark.slow
def test_ctrl_c_adds_all_or_nothing_at_once(project: Path) -> None:
    for after in range(10):
        code = interrupted(project, after, "SIGINT")
        assert content(project) in ({}, FILES), after
        for name in content(project):
            (project / name).unlink()
    assert code == 0


def test_a_full_disk_adds_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staged_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        add_files(project, FILES)
    assert content(project) == {}


def test_a_folder_that_is_a_file_adds_nothing(project: Path) -> None:
    (project / "a").mkdir()
    (project / "a/b").write_text("not a folder")
    with pytest.raises(NotADirectoryError, match="a/b"):
        add_files(project, FILES)
    assert content(project) == {"a/b": "not a folder"}


def test_a_folder_without_permission_adds_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "a").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != project / "a")  # root may write anywhere
    with pytest.raises(PermissionError, match=r"/a'$"):
        add_files(project, FILES)
    assert content(project) == {}
