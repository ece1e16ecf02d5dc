"""A registry with models of a small task, without a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from threadpoolctl import threadpool_limits

import ml.task
from ml.registry.artefact import save
from ml.registry.history import PROMOTE, changing, make_current
from ml.registry.model_bytes import versions
from tests.ml.api.models.generated import fitted_model
from waybill.identifiers import uuid7

BATCHES = {"training_digest": "d", "task_digest": "t", "batches": {}, "rows": {"learnt_from": 600}}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let no fit wait for threads that other processes keep from running."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the models of the task `small`, which is declared."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    declared = fitted_model("dummy").task.model_dump(mode="json", exclude_defaults=True)
    (tasks / "small.yml").write_text(yaml.safe_dump(declared))
    monkeypatch.setattr(ml.task, "TASKS", tasks)
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / "small"


@pytest.fixture
def saved(folder: Path) -> Callable[..., str]:
    """Return what fits and saves a model, and makes it current; it returns the model's id."""

    def save_model(kind: str = "hist_gradient_boosting", rows: int = 600) -> str:
        model = fitted_model(kind, rows=rows)
        manifest = {
            **model.manifest,
            **BATCHES,
            "model_id": str(uuid7()),
            "trained_at": "2026-01-01T00:00:00+00:00",
            "versions": versions(),
            "features": model.task.features,
            "label": model.task.label,
        }
        save("small", model.pipeline, manifest)
        use(manifest["model_id"])
        return str(manifest["model_id"])

    return save_model


def use(model_id: str) -> None:
    """Make a model the current one."""
    with changing("small") as history:
        make_current("small", history, model_id, PROMOTE)
