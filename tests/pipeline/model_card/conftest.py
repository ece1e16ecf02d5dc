"""An empty warehouse beside declared tasks that have models, and the page of their cards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.registry.artefact import save
from pipeline.model_card.page import write_model_card
from tests.support.small.task import TASK
from warehouse.connection import engine
from waybill.settings import get_settings

ALWAYS: dict[str, Any] = {"features": [], "label": "is_late", "versions": {}, "training_digest": ""}  # as `NEEDED`


@pytest.fixture
def write_cards(module_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return what declares tasks with such manifests, writes their cards, and returns the page's folder."""
    for kind in ("reports", "models"):
        monkeypatch.setenv(f"WAYBILL_{kind.upper()}", str(tmp_path / kind))
    monkeypatch.setenv("WAYBILL_TASK", "")
    (tmp_path / "tasks").mkdir()
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")

    def write(*manifests: dict[str, Any], **declared: Any) -> Path:
        for manifest in manifests:
            name = manifest.get("task", "oldest")
            (tmp_path / "tasks" / f"{name}.yml").write_text(yaml.safe_dump({**TASK, "task": name, **declared}))
            save(name, None, {**ALWAYS, **manifest})
        with engine("reader").connect() as connection:
            write_model_card(connection, get_settings())
        return tmp_path / "reports"

    return write
