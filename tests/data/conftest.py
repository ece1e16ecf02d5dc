# waybill: sample
"""The sample, built once, and a fixture that builds only its reference data."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.sample import build as building
from data.sample.build import build


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole sample; no test changes it."""
    built = tmp_path_factory.mktemp("sample") / "raw"
    build(built)
    return built


@pytest.fixture
def reference_data_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out flights and weather, so that a build is fast."""
    monkeypatch.setattr(building, "_add_flights", lambda sample: None)
    monkeypatch.setattr(building, "_add_weather", lambda sample: None)
