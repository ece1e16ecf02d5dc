"""The report shows the model of each task, with its classes and what training left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import ml.task
from ml.registry.artefact import save
from pipeline.report.page import write_report
from tests.support.small.task import TASK
from warehouse.connection import cursor_of

SETS = {"train": 60, "validation": 20, "test": 20}
CLASSES = {
    "kind": "multi-class",
    "trained_at": "2024-05-01T06:00:00+00:00",
    "chosen": "random_forest",
    "rows": {"all": 120, "unlabelled": 20, "learnt_from": 80, **SETS},
    "split": {"kind": "group", "group_column": "cafe"},
    "classes": ["<thai>", "greek"],
    "class_balance": {"<thai>": {"share": 0.25, **SETS}, "greek": {"share": 0.75, **SETS}},
    "each_class": {name: {"precision": 0.5, "recall": 0.25, "roc_auc": 0.75} for name in ("<thai>", "greek")},
    "features_left_out": ["colour"],
    "classes_left_out": {"fusion": "1 row in train"},
    "metrics": {"roc_auc": 0.8, "macro_f1": 0.6, "rows": 20},
    "candidates": {"random_forest": {"test": {"roc_auc": 0.8123, "macro_f1": 0.6123}}},
    "curves": {},
}
BINARY: dict[str, Any] = {"metrics": {"roc_auc": 0.7}, "split": {"validation_from": "2024-01-01"}}


@pytest.fixture
def tasks(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of tasks, beside an empty warehouse."""
    for kind in ("reports", "models"):
        monkeypatch.setenv(f"WAYBILL_{kind.upper()}", str(tmp_path / kind))
    monkeypatch.setenv("WAYBILL_TASK", "")
    (tmp_path / "tasks").mkdir()
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")
    return tmp_path / "tasks"


def test_the_model_of_each_task_is_shown(tasks: Path) -> None:
    for name in ("cuisines", "closings", "waiting"):
        (tasks / f"{name}.yml").write_text(yaml.safe_dump({**TASK, "task": name}))
    save("cuisines", None, {"model_id": "m-1", **CLASSES})
    save("closings", None, {"model_id": "m-2", **BINARY})
    page = write_report().path.read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Task cuisines, model m-1 : random_forest, trained on 80 rows at 2024-05-01 06:00 UTC" in text
    assert "Rows divided by cafe, whole groups: 60 train, 20 validation, 20 test. Left out: feature colour" in text
    assert "Left out: class fusion (1 row in train)." in text
    assert (
        "candidate roc_auc macro_f1 balanced_accuracy log_loss accuracy random_forest (chosen) 0.8123 0.6123 –" in text
    )
    assert "class share train validation test precision recall roc_auc greek 75.0 %" in text
    assert "&lt;thai&gt; 25.0 % 60 20 20 0.5 0.25 0.75" in text
    assert "Task closings, model m-2 ." in text
    assert "Not trained yet: waiting." in text
    assert "0.800 ROC AUC of cuisines" in text and "0.700 ROC AUC of closings" in text


def test_without_a_task_the_page_says_so(tasks: Path) -> None:
    assert "No task declared, so there is no model." in write_report().path.read_text()


def test_drift_and_realised_figures_of_a_model_are_shown(tasks: Path) -> None:
    model_id = "01900000-0000-7000-8000-000000000001"
    (tasks / "closings.yml").write_text(yaml.safe_dump({**TASK, "task": "closings"}))
    save("closings", None, {"model_id": model_id, **BINARY})
    metrics = json.dumps({"roc_auc": 0.71234, "brier": 0.15, "intervals": {"roc_auc": [0.7, 0.73]}})
    with cursor_of("trainer") as cursor:
        for number in range(7):
            cursor.execute(
                "insert into predictions.model_drift (task, model_id, kind, name, scored_at, rows, psi, limits, alarms)"
                " values ('closings', %s, 'number', %s, now(), 640, %s, '{}', %s)",
                [model_id, f"<seats {number}>", number, ["PSI 0.300 (limit 0.020)"] if number else []],
            )
        cursor.execute(
            "insert into predictions.realised_figures (task, model_id, month, is_predicted, rows, metrics)"
            " values ('closings', %s, '2024-05-01', true, 320, %s)",
            [model_id, metrics],
        )
    text = " ".join(re.sub(r"<[^>]+>", " ", write_report().path.read_text()).split())
    assert (
        "6 of 7 columns have drifted in the 640 rows since training: &lt;seats 6&gt;: PSI 0.300 (limit 0.020)" in text
    )
    assert "and 1 more" in text
    assert "month rows scored ROC AUC Brier 2024-05 320 before 0.7123 0.1500" in text


def test_a_model_that_cannot_be_read_is_named_beside_the_others(tasks: Path, tmp_path: Path) -> None:
    for name in ("cuisines", "closings"):
        (tasks / f"{name}.yml").write_text(yaml.safe_dump({**TASK, "task": name}))
    save("cuisines", None, {"model_id": "m-1", **CLASSES})
    (tmp_path / "models" / "closings").write_text("in place of the folder")
    text = " ".join(re.sub(r"<[^>]+>", " ", write_report().path.read_text()).split())
    assert "Task cuisines, model m-1 : random_forest" in text
    assert "A model cannot be shown: closings: " in text
    assert "is not a folder, so the models of closings cannot be read: move it away" in text
    assert "Not trained yet" not in text
