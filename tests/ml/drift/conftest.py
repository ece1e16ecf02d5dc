"""A task on orders of half a year, whose features a test can shift in the last two months."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ml.task
from tests.support.small.shifting_orders import MAKE, ORDERS, declare
from tests.support.small.task import execute


@pytest.fixture
def orders(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the declaration of a task on 9,000 orders; `declare` writes a changed one."""
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")
    (tmp_path / "tasks").mkdir()
    execute(
        MAKE,
        "create table intermediate.processed_batches (model text, batch_id uuid)",
        "create table intermediate.document_outcomes (_batch_id uuid, outcome text)",
        "grant select on marts.orders, intermediate.processed_batches, intermediate.document_outcomes"
        " to waybill_trainer, waybill_reader",
    )
    return declare(ORDERS)
