"""The folder of a scratch server is locked as long as it has its name, so that nobody takes it for left over."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from warehouse.restoring import scratch


def test_a_new_folder_is_never_left_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lock = scratch.file_lock

    @contextmanager
    def slow_lock(folder: Path) -> Iterator[None]:
        scratch.remove_leftovers()  # by another drill, before the lock is taken
        assert folder.is_dir()
        with lock(folder):
            yield

    monkeypatch.setattr(scratch, "file_lock", slow_lock)
    monkeypatch.setattr(scratch, "_remove", Path.rmdir)
    with scratch._locked_folder() as folder:
        scratch.remove_leftovers()
        assert folder.is_dir()
        assert folder.name.startswith(scratch.PREFIX)
    scratch.remove_leftovers()
    assert list(tmp_path.iterdir()) == []
