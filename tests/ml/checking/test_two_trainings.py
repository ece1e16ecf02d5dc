"""Two trainings on the same data, each in its own process, give the same figures and the same bytes (P7)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
import ml.train
from ml.checking.training_rows import TrainingRows
from ml.reading.frame import read_rows
from ml.registry.model_bytes import MANIFEST_DIGEST
from ml.task import Task
from ml.train import train
from tests.support.small.task import TASK, execute
from waybill.settings import PROJECT

BLEND = {"hist_gradient_boosting": 0.75, "logistic_regression": 0.25}
CANDIDATES: dict[str, dict[str, Any]] = {
    "a forest": {"random_forest": {"n_estimators": 20}},
    "a blend": {"hist_gradient_boosting": {"max_iter": 20}, "logistic_regression": {}, "blend": BLEND},
}
WAYBILL = """
import pathlib, sys
import ml.task
ml.task.TASKS = pathlib.Path(sys.argv.pop(1))
from waybill.__main__ import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("candidates", CANDIDATES.values(), ids=CANDIDATES)
def test_two_trainings_give_the_same_figures_and_bytes(task: Path, candidates: dict[str, Any]) -> None:
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "candidates": candidates}))
    first, second = trained(task, seed="1"), trained(task, seed="2")
    assert first["model_id"] != second["model_id"]
    assert figures(first) == figures(second)
    for file in ("model.joblib", "evaluation.npz"):
        assert content(task, first, file) == content(task, second, file), file


def trained(task: Path, *, seed: str) -> dict[str, Any]:
    """Train in another process, whose hashes of texts are others; return the manifest of the new model."""
    before = set(task.glob("*/manifest.json"))
    ran = subprocess.run(
        [sys.executable, "-c", WAYBILL, ml.task.TASKS, "train", "--task", "small", "--force"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (new,) = set(task.glob("*/manifest.json")) - before
    manifest: dict[str, Any] = json.loads(new.read_text())
    return manifest


def content(task: Path, manifest: dict[str, Any], file: str) -> bytes:
    return (task / manifest["model_id"] / file).read_bytes()


def figures(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest without what belongs to one training: its id and times, and the digest that depends on them."""
    kept = {name: value for name, value in manifest.items() if name not in ("model_id", "trained_at", MANIFEST_DIGEST)}
    for candidate in kept["candidates"].values():
        candidate.pop("seconds")
    return kept


def test_rows_that_change_while_they_are_read_are_read_again(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed rows are read, but change back: what was learnt must be what the manifest's hash is of."""
    honest = train("small").manifest
    flip = "update marts.rows set is_late = not is_late where row_id like '%3'"
    disturbed = [True]

    def read_changed_rows(task: Task, hashed: TrainingRows) -> Any:
        if not disturbed:
            return read_rows(task, hashed)
        disturbed.clear()
        execute(flip)
        try:
            return read_rows(task, hashed)
        finally:
            execute(flip)

    monkeypatch.setattr(ml.train, "read_rows", read_changed_rows)
    again = train("small", force=True).manifest
    assert again["training_digest"] == honest["training_digest"]
    assert content(task, again, "model.joblib") == content(task, honest, "model.joblib")
