"""Rejects are exported to whatever a path names: a file, a link, a pipe, standard output."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from loader.__main__ import rejects
from loader.load import load
from loader.plan import Request

LINES = b"broken\nas well\n"


@pytest.fixture
def rejected(database: str, source: Path) -> None:
    """Reject two documents that are lines, and one that contains a line end."""
    (source / "a.ndjson").write_bytes(LINES)
    (source / "b.doc").write_bytes(b'{"id":\n"two lines')
    load(Request(("things",)))


@pytest.mark.usefixtures("rejected")
def test_every_kind_of_path_gets_the_rejects(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((folder / "pipe").read_bytes()), daemon=True)
    reader.start()
    result = export(folder / "pipe")
    reader.join(timeout=20)
    assert read == [LINES]
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)
    assert "1 reject with line ends, or larger than 64 KB, left out" in result
    assert [path.name for path in folder.iterdir()] == ["pipe"]

    for standard_output in ("-", "/dev/stdout"):
        assert f"2 rejects written to {standard_output}; 1 reject with" in export(standard_output, on="stderr")
        assert capfdbinary.readouterr().out == LINES

    (folder / "link").symlink_to("../target")
    export(folder / "link")
    assert (folder / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == LINES
    assert [path.read_bytes() for path in (folder / "link.documents").iterdir()] == [b'{"id":\n"two lines']


@pytest.mark.usefixtures("rejected")
def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(rejects, ["things", "--export", str(tmp_path / "missing" / "out")])
    assert str(result.exception).startswith(f"{tmp_path / 'missing'}: no such folder; create it")
    assert list(tmp_path.rglob("out*")) == []


def export(path: Path | str, on: str = "stdout") -> str:
    """Run the command; return what it writes, which is all on one of the streams."""
    result = CliRunner().invoke(rejects, ["things", "--export", str(path)], catch_exceptions=False)
    assert result.output == getattr(result, on)
    return result.output
