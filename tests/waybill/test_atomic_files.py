"""What a user's path names is written completely, and is never replaced by a file of another kind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from waybill.atomic_files import atomic_file, open_descriptor, write_atomic, write_private


def _link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir()
    (path.parent / "elsewhere" / "target").write_text("before")
    path.symlink_to("elsewhere/target")


def _dangling_link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir()
    path.symlink_to("elsewhere/target")


def _second_name(path: Path) -> None:
    (path.parent / "first").write_text("before")
    path.hardlink_to(path.parent / "first")


@pytest.mark.parametrize("make", [_link, _dangling_link])
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path, target = tmp_path / "out", tmp_path / "elsewhere" / "target"
    make(path)
    write_atomic(path, "after")
    assert path.is_symlink()
    assert (target.read_text(), target.is_symlink()) == ("after", False)
    assert [one.name for one in (tmp_path / "elsewhere").iterdir()] == ["target"]


def test_a_file_with_two_names_keeps_both(tmp_path: Path) -> None:
    _second_name(tmp_path / "out")
    write_atomic(tmp_path / "out", "after")
    assert (tmp_path / "first").read_text() == "after"


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    path, read = tmp_path / "out", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write_atomic(path, "after")
    reader.join(timeout=20)
    assert read == ["after"]
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_an_open_descriptor_is_written_where_it_is(tmp_path: Path, path: str) -> None:
    script = f"from pathlib import Path; from waybill.atomic_files import *; write_atomic(Path({path!r}), 'after')"
    before = os.lstat("/dev/stdout").st_mode
    with (tmp_path / "log").open("a") as log:
        log.write("before ")
        log.flush()
        subprocess.run([sys.executable, "-c", script], stdout=log, check=True)
    assert (tmp_path / "log").read_text() == "before after"
    assert [one.name for one in tmp_path.iterdir()] == ["log"]
    assert os.lstat("/dev/stdout").st_mode == before


def test_a_device_is_written_to() -> None:
    write_atomic(Path("/dev/null"), "after")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_atomic(Path("/dev/full"), "after")


def test_owner_and_permissions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    kept = (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid)
    os.utime(path, (0, 0))
    write_atomic(path, "after")
    assert (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) == kept
    assert path.stat().st_mtime > 0


def test_a_private_file_is_private_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("before")
    path.chmod(0o644)
    write_private(path, "after")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_read_only_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != path)
    with pytest.raises(PermissionError):
        write_atomic(path, "after")
    assert path.read_text() == "before"


def test_a_file_in_a_read_only_folder_is_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.write_text("before")
    number = path.stat().st_ino
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != tmp_path)
    write_atomic(path, "after")
    assert (path.read_text(), path.stat().st_ino) == ("after", number)


def test_a_mount_point_is_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.write_text("before")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", refuse)
    write_atomic(path, "after")
    assert path.read_text() == "after"
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        write_atomic(tmp_path, "after")


def test_a_name_of_any_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_atomic(path, "after")
    assert path.read_text() == "after"


@pytest.mark.parametrize("make", [Path.touch, _link, _second_name])
def test_a_failed_block_changes_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "out"
    make(path)
    before = path.read_text()
    with pytest.raises(ValueError, match="half"), atomic_file(path) as partial:
        partial.write_text("half")
        raise ValueError("half")
    assert path.read_text() == before
    assert not any(one.name.startswith(".") for one in tmp_path.rglob("*"))


def test_only_descriptors_are_taken_for_descriptors(tmp_path: Path) -> None:
    (tmp_path / "1").touch()
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "1", tmp_path / "loop", Path("/dev/null"), Path("/proc/1/fd/1")):
        assert open_descriptor(path) is None
    (tmp_path / "link").symlink_to("/dev/stderr")
    assert open_descriptor(tmp_path / "link") == 2
