"""A small warehouse with models, and a folder for its backups."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backed_up.orders_to_back_up import build_mart, load_orders, save_model
from tests.support.declared.orders import declare_orders


@pytest.fixture
def landed(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Load 200 orders, make a mart of them and save two models; return the folder for files."""
    declare_orders(tmp_path / "declared", monkeypatch)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    load_orders(tmp_path, range(200))
    build_mart()
    save_model()
    save_model()
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder for backups, which does not exist yet."""
    return tmp_path / "backups"
