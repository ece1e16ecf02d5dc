"""A small task on a table of 600 rows, for all tests of models."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import ml.task
from tests.support.small.task import TASK, make_rows


@pytest.fixture
def task(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 600 rows whose label depends on a number, and a task on it; return the folder of its models."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "small.yml").write_text(yaml.safe_dump(TASK))
    monkeypatch.setattr(ml.task, "TASKS", folder)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    make_rows()
    return tmp_path / "models" / "small"
