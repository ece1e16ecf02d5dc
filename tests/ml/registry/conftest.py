"""Models without a warehouse: folders of a task `returns`, with what each was measured on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.registry.artefact import save
from ml.registry.evaluation import EvaluatedRows, Evaluation
from ml.registry.model_bytes import versions
from ml.registry.verdict import Verdict
from waybill.identifiers import uuid7

MANIFEST = {
    "features": ["shop"],
    "label": "is_returned",
    "training_digest": "d",
    "classes": ["false", "true"],
    "task_digest": "t",
    "batches": {},
    "rows": {"learnt_from": 600},
    "threshold": 0.5,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the task's models, which does not exist yet."""
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / "returns"


@pytest.fixture
def trained(folder: Path) -> Callable[..., Verdict]:
    """Return what saves a model whose predictions are so noisy, as training does."""

    def save_model(noise: float | None, **changes: Any) -> Verdict:
        model_id = str(uuid7())
        manifest = {**MANIFEST, "model_id": model_id, "trained_at": model_id, "versions": versions(), **changes}
        labels = np.random.default_rng(1).integers(0, 2, 600)
        evaluation = None
        if noise is not None:
            probabilities = labels + np.random.default_rng(2).normal(0, noise, 600)
            keys = np.arange(600, dtype=np.uint64)
            rows = EvaluatedRows(keys, labels, np.arange(600) % 30, probabilities)
            evaluation = Evaluation(rows, rows, keys)
        return save("returns", None, manifest, evaluation)

    return save_model
