"""Standard input is copied to a file of which nothing is left, even after a kill."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from loader.reading.input_files import spooled_standard_input
from waybill import temporary_files

LINES = b'{"id": 1}\n{"id": 2}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files; standard input holds the lines."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(LINES)))
    return tmp_path


@pytest.mark.skipif(not temporary_files.DESCRIPTORS.exists(), reason="only Linux opens a file that has no name")
def test_the_copy_of_standard_input_has_no_name(folder: Path) -> None:
    with spooled_standard_input() as spooled:
        assert list(folder.iterdir()) == []
        assert [spooled.path.read_bytes(), spooled.path.read_bytes()] == [LINES, LINES]
        assert (spooled.name, spooled.size_bytes) == ("-", len(LINES))


def test_other_systems_delete_the_copy_at_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_files, "DESCRIPTORS", folder / "missing")
    with spooled_standard_input() as spooled:
        assert list(folder.glob("*/*")) == [spooled.path]
        assert spooled.path.read_bytes() == LINES
    assert list(folder.iterdir()) == []
