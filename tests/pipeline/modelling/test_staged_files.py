"""Files are added, replaced and removed completely or not at all, whatever interrupts it; none is overwritten."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling import staged_files
from pipeline.modelling.staged_files import (
    Also,
    change_files,
    compare,
    finish_interrupted,
    resume_change,
)
from warehouse import work_lock
from warehouse.work_lock import working
from waybill.errors import ChangePending
from waybill.project.pending_change import STAGED, pending_command
from waybill.settings import PROJECT

FILES = {"a/one.sql": "select 1\n", "a/b/two.yml": "version: 2\n", "three.json": "{}\n"}
BEFORE = {
    "three.json": "[]\n",
    "gone/one.sql": "select 1\n",
    "gone/deep/two.yml": "{}\n",
    "kept/gone.md": "",
    "kept/a": "",
}
CHANGE: dict[str, Any] = {
    "added": {"a/one.sql": "select 1\n", "a/b/two.yml": "version: 2\n"},
    "replaced": {"three.json": "{}\n"},
    "removed": ["gone/one.sql", "gone/deep/two.yml", "kept/gone.md", "gone/never.sql", "never/was.sql"],
}
AFTER = {**FILES, "kept/a": ""}
KILLED = """
import json, os, signal, sys
from pathlib import Path
from pipeline.modelling.staged_files import change_files

def dying(call, after, calls=[0]):
    def counted(*arguments, **options):
        calls[0] += 1
        if calls[0] == after + 1:
            os.kill(os.getpid(), getattr(signal, sys.argv[4]))
        return call(*arguments, **options)
    return counted

after = int(sys.argv[3])
os.fsync = dying(os.fsync, after)
Path.rename = dying(Path.rename, after)
Path.replace = dying(Path.replace, after)
Path.unlink = dying(Path.unlink, after)
Path.rmdir = dying(Path.rmdir, after)
change_files(Path(sys.argv[1]), **json.loads(sys.argv[2]))
"""


@dataclass(frozen=True)
class Change:
    """What `change_files` is asked for, and the files of the project before and after it."""

    asked: dict[str, Any]
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipeline").mkdir()
    return tmp_path


@pytest.fixture(params=["add", "change"])
def change(request: pytest.FixtureRequest) -> Change:
    if request.param == "add":
        return Change({"added": FILES, "replaced": {}, "removed": []}, {}, FILES)
    return Change(CHANGE, BEFORE, AFTER)


def add_files(project: Path, files: dict[str, str]) -> None:
    change_files(project, added=files, replaced={}, removed=[])


def content(project: Path) -> dict[str, str]:
    paths = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)): path.read_text() for path in paths}


def reset(project: Path, files: dict[str, str]) -> None:
    """Give the project these files and no others."""
    shutil.rmtree(project)
    for name, text in {**files, "pipeline/": ""}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).mkdir() if name.endswith("/") else (project / name).write_text(text)


def empty_folders(project: Path) -> list[str]:
    return [path.name for path in project.rglob("*") if path.is_dir() and not any(path.iterdir())]


def interrupted(project: Path, change: Change, after: int, with_signal: str) -> int:
    """Change the files in a process that a signal ends at its call number `after` of those that reach the disk."""
    command = [sys.executable, "-c", KILLED, str(project), json.dumps(change.asked), str(after), with_signal]
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
def test_a_killed_process_has_changed_all_or_nothing(project: Path, change: Change) -> None:
    seen = set()
    for after in range(40):
        reset(project, change.before)
        code = interrupted(project, change, after, "SIGKILL")
        finished = finish_interrupted(project)
        left = content(project)
        assert left in (change.before, change.after)
        assert bool(finished) <= (left == change.after)
        assert empty_folders(project) == ["pipeline"]
        seen.add(left == change.after)
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0 and seen == {True, False}


@pytest.mark.slow
def test_ctrl_c_changes_all_or_nothing_at_once(project: Path, change: Change) -> None:
    for after in range(40):
        reset(project, change.before)
        code = interrupted(project, change, after, "SIGINT")
        assert content(project) in (change.before, change.after), after
        if code == 0:
            break
    assert code == 0


def test_removed_files_leave_no_empty_folders(project: Path) -> None:
    reset(project, BEFORE)
    (project / "gone/deep/__pycache__").mkdir()
    (project / "gone/deep/__pycache__/two.pyc").write_bytes(b"")
    change_files(project, added=CHANGE["added"], replaced=CHANGE["replaced"], removed=CHANGE["removed"])
    assert content(project) == AFTER
    assert empty_folders(project) == ["pipeline"]


def test_a_folder_to_remove_is_refused_and_nothing_changes(project: Path) -> None:
    reset(project, BEFORE)
    with pytest.raises(IsADirectoryError, match="gone/deep"):
        change_files(project, added={}, replaced={}, removed=["kept/gone.md", "gone/deep"])
    assert content(project) == BEFORE


def test_a_replaced_file_keeps_its_permissions(project: Path) -> None:
    reset(project, BEFORE)
    (project / "three.json").chmod(0o755)
    change_files(project, added={}, replaced={"three.json": "{}\n"}, removed=[])
    assert (project / "three.json").stat().st_mode & 0o777 == 0o755


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


ALSO = """
import contextlib, json, os, signal, sys
from pathlib import Path
from pipeline.modelling import staged_files
from pipeline.modelling.staged_files import Also, change_files, resume_change

project, asked, after = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
calls = [0]

def counted():
    calls[0] += 1
    if calls[0] == after + 1:
        os.kill(os.getpid(), getattr(signal, sys.argv[4]))

def dying(call):
    def wrapped(*arguments, **options):
        counted()
        return call(*arguments, **options)
    return wrapped

@contextlib.contextmanager
def work():
    counted()
    (project / "renamed").touch()
    counted()
    yield

os.fsync, Path.rename, Path.replace, Path.unlink, Path.rmdir = map(
    dying, (os.fsync, Path.rename, Path.replace, Path.unlink, Path.rmdir)
)
also = Also("rename a b", work)
if not resume_change(project, also):
    staged_files.finish_interrupted(project)
    if not (project / "renamed").exists():
        change_files(project, **asked, also=also)
"""


def renamed_with_kill(project: Path, after: int, with_signal: str) -> int:
    command = [sys.executable, "-c", ALSO, str(project), json.dumps(CHANGE), str(after), with_signal]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, check=False).returncode


@pytest.mark.slow
@pytest.mark.parametrize("with_signal", ["SIGKILL", "SIGINT"])
def test_what_changes_with_the_files_is_finished_by_a_repeat(project: Path, with_signal: str) -> None:
    outcomes = set()
    for after in range(60):
        reset(project, BEFORE)
        code = renamed_with_kill(project, after, with_signal)
        left = content(project)
        if command := pending_command(project):
            assert command == "rename a b"
            with pytest.raises(ModellingRefused, match="rename a b` was interrupted: run it again first"):
                add_files(project, {"new": ""})
        elif (project / "renamed").exists():
            assert finish_interrupted(project) == []
            assert content(project) == {**AFTER, "renamed": ""}
        else:
            assert {name for name in left if not name.startswith(STAGED)} == set(BEFORE)
        outcomes.add((bool(command), (project / "renamed").exists()))
        assert renamed_with_kill(project, 1000, with_signal) == 0
        assert content(project) == {**AFTER, "renamed": ""}
        if code == 0:
            break
    assert code == 0 and outcomes == {(False, False), (True, False), (True, True), (False, True)}


def test_a_refused_change_beside_the_files_changes_nothing(project: Path) -> None:
    @contextmanager
    def refused() -> Iterator[None]:
        raise ModellingRefused("no")
        yield

    reset(project, BEFORE)
    with pytest.raises(ModellingRefused, match="no"):
        change_files(project, **CHANGE, also=Also("rename a b", refused))
    assert content(project) == BEFORE


def test_no_command_works_on_the_warehouse_before_the_repeat(
    project: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def lost() -> Iterator[None]:
        raise ConnectionError("in the middle of it")
        yield

    @contextmanager
    def without_server() -> Iterator[None]:
        raise ModellingRefused("no server")
        yield

    monkeypatch.setattr(work_lock, "PROJECT", project)
    reset(project, BEFORE)
    with pytest.raises(ConnectionError):
        change_files(project, **CHANGE, also=Also("rename a b", lost))
    with pytest.raises(ChangePending, match="rename a b` was interrupted: run it again first"), working("load"):
        pass
    with pytest.raises(ModellingRefused, match="rename a b` was interrupted: run it again first"):
        resume_change(project, Also("rename a b"), is_dry_run=True)
    with pytest.raises(ModellingRefused, match="no server"):
        resume_change(project, Also("rename a b", without_server))
    assert pending_command(project) == "rename a b"  # what was committed before the kill needs its files
    resume_change(project, Also("rename a b", nullcontext))
    assert content(project) == AFTER
    with working("load"):
        pass
