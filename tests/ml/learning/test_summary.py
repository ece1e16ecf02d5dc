"""What training prints: figures with intervals and weak spots; older manifests, which have neither, are shown too."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ml.learning.summary import describe_training, summary_of
from ml.task import Task
from ml.train import train
from tests.support.small.task import TASK

OLD = Path(__file__).parents[2] / "fixtures" / "models" / "small_before_refitting.json"
FIGURES: dict[str, Any] = {"roc_auc": 0.787, "pr_auc": 0.62, "brier": 0.1465, "ece": 0.005}
INTERVALS = {"roc_auc": [0.765, 0.81], "pr_auc": None, "brier": [0.14, 0.15], "ece": [0.001, 0.009]}


def manifest(**changes: Any) -> dict[str, Any]:
    old: dict[str, Any] = json.loads(OLD.read_text())
    slices = [
        {"name": "shop", "value": f"s{n}", "is_weak": n < 5, "why": f"ROC AUC 0.60{n}, at most 0.7, is below 0.787"}
        for n in range(9)
    ]
    new = {"blocks": {"unit": "day", "validation": 31, "test": 61}, "cost": None, "slices": slices}
    return {**old, **new, "metrics": {**old["metrics"], **FIGURES, "intervals": INTERVALS}, **changes}


def test_figures_are_printed_with_their_intervals() -> None:
    assert "test roc_auc 0.787 (0.765 to 0.810), pr_auc 0.620, brier 0.14" in summary_of(manifest())
    printed = list(describe_training(manifest(), ""))
    [line] = [line for line in printed if "refitted on train and validation" in line]
    assert "ROC AUC 0.787 (0.765 to 0.810), PR-AUC 0.620, Brier" in line
    assert line.endswith("(95 % intervals over 61 days)")


def test_weak_spots_are_one_line() -> None:
    [line] = [line for line in describe_training(manifest(), "") if line.startswith("weak spots")]
    assert line.startswith("weak spots: shop s0 (ROC AUC 0.600, at most 0.7, is below 0.787), shop s1 (")
    assert line.endswith(" and 2 more")
    assert "weak spots: none found" in list(describe_training(manifest(slices=[]), ""))


def test_a_cost_and_missing_intervals_are_explained() -> None:
    cost = {"false_positive": 1, "false_negative": 2.5}
    few = {**FIGURES, "intervals": dict.fromkeys(FIGURES), "intervals_lack": "fewer than 10 days"}
    printed = "\n".join(describe_training(manifest(cost=cost, threshold=0.2861, metrics=few), ""))
    assert (
        "threshold 0.286: the cheapest on validation, where a false positive costs 1, a false negative costs 2.5"
        in printed
    )
    assert "on test: ROC AUC 0.787, PR-AUC 0.620, Brier 0.146, ECE 0.005 (no intervals: fewer than 10 days)" in printed


def test_an_older_manifest_is_shown_without_what_it_lacks() -> None:
    old = json.loads(OLD.read_text())
    assert "logistic_regression of 2: test roc_auc 0." in summary_of(old)
    printed = "\n".join(describe_training(old, "no label"))
    assert "weak spots" not in printed and "(test)" in printed and "classes not late 54.1%" in printed


@pytest.mark.server
def test_a_model_from_before_is_reported_and_replaced(task: Path) -> None:
    old = json.loads(OLD.read_text())
    folder = task / old["model_id"]
    folder.mkdir(parents=True)
    (folder / "model.joblib").write_bytes(b"saved before")
    sha256 = hashlib.sha256(b"saved before").hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**old, "sha256": sha256}))
    (task / "current").write_text(old["model_id"] + "\n")
    assert train("small").summary.startswith(f"nothing new: {old['model_id']}")
    trained = train("small", force=True)
    assert trained.manifest["model_id"] != old["model_id"]
    assert trained.manifest["recipe"]["candidate"] == "logistic_regression"
    assert Task.model_validate(TASK).features == trained.manifest["features"]
