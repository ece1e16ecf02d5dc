"""The sample, built once, and a way to build its reference data only."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.sample import build as building
from data.sample.build import build


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole sample; nobody changes it."""
    built = tmp_path_factory.mktemp("sample") / "raw"
    build(built)
    return built


@pytest.fixture
def reference_data_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave flights and weather out, so that a build takes no time."""
    monkeypatch.setattr(building, "_flights", lambda sample: None)
    monkeypatch.setattr(building, "_weather", lambda sample: None)
