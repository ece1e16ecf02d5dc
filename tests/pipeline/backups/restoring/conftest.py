"""A backup of a warehouse from which a test erases."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.backups.making.backup import back_up


@pytest.fixture
def backup(landed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Back 200 orders up; outputs of this clone are not touched."""
    for name in ("REPORTS", "PROCESSED", "RAW"):
        monkeypatch.setenv(f"WAYBILL_{name}", str(landed / name.lower()))
    monkeypatch.setenv("DBT_TARGET_PATH", str(landed / "dbt"))
    monkeypatch.setenv("DBT_LOG_PATH", str(landed / "dbt-logs"))
    monkeypatch.setattr("pipeline.erasing.erase.require_current", lambda: None)  # no model of the project reads orders
    made = back_up(folder).folder
    assert made is not None
    return made
