"""Candidates are compared on validation; the best one learns from it too before it meets the test set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.errors import TaskBroken
from ml.learning.blend import Blend, combine
from ml.learning.comparison import Comparison, compare_candidates
from ml.reading.frame import SET
from ml.task import Task
from tests.support.small.task import TASK

BOOSTING = {"max_iter": 10, "min_samples_leaf": 5}
CANDIDATES: dict[str, Any] = {
    "logistic_regression": {},
    "hist_gradient_boosting": BOOSTING,
    "blend": {"hist_gradient_boosting": 3, "logistic_regression": 1},
}
SPLITS: dict[str, Any] = {"time": TASK["split"], "group": {"group_column": "cafe"}, "random": {}}


def frame(rows: int, classes: int = 2) -> pd.DataFrame:
    """Return as many rows in each set; the label follows from a number and a category, and some noise."""
    random = np.random.default_rng(7)
    delay, shop = random.normal(size=rows), random.integers(0, 3, rows)
    place = delay + 0.5 * shop + 0.5 * random.normal(size=rows)
    sets = np.empty(rows, dtype="int8")
    sets[np.argsort(place)] = np.arange(rows) % 3
    label = pd.Series(pd.qcut(place, classes, labels=False)).map({0: "false", 1: "true"} if classes == 2 else str)
    return pd.DataFrame(
        {
            "row_id": [f"r{n}" for n in range(rows)],
            "is_late": label.astype("category"),
            SET: sets,
            "_block": (15_700 + np.arange(rows) // 8).astype("int32"),
            "shop": pd.Categorical(np.array(["NE", "SW", "EE"])[shop]),
            "delay": delay.astype("float32"),
        }
    )


def compared(rows: pd.DataFrame, **declared: Any) -> Comparison:
    candidates = declared.pop("candidates", CANDIDATES)
    threshold = {"threshold": None} if "cost" in declared or rows["is_late"].nunique() > 2 else {}
    return compare_candidates(Task.model_validate({**TASK, "candidates": candidates, **threshold, **declared}), rows)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_every_kind_of_task_is_measured_with_intervals(split: dict[str, Any], classes: int) -> None:
    found = compared(frame(900, classes), split=split)
    units = {"time_column": "day", "group_column": "group"}
    assert found.blocks["unit"] == units.get(next(iter(split), ""), "row")
    assert 100 < found.blocks["test"] < 114
    for figures in (
        found.metrics,
        *(one[which] for one in found.candidates.values() for which in ("validation", "test")),
    ):
        low, high = figures["intervals"]["roc_auc"]
        assert 0 <= low <= figures["roc_auc"] <= high <= 1
    assert set(found.differences["test"]) == {"dummy", *CANDIDATES} - {found.selected}
    assert found.differences["validation"]["dummy"]["roc_auc"]["low"] > 0.2
    assert [one["name"] for one in found.importance] == ["delay", "shop"]
    assert {one["name"] for one in found.slices} == ({"month", "shop"} if "time_column" in split else {"shop"})
    assert (found.threshold is None) == (classes > 2)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_sets_of_a_few_rows_have_figures_without_intervals(split: dict[str, Any], classes: int) -> None:
    found = compared(frame(60, classes), split=split)
    assert found.metrics["rows"] == 20
    assert set(found.metrics["intervals"].values()) == {None}
    assert found.metrics["intervals_lack"].startswith("fewer than 10 ")
    assert {one["why"] for one in found.slices} <= {found.metrics["intervals_lack"]}
    assert all(one["low"] is None for one in found.importance)


def test_the_model_learnt_from_train_and_validation() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    rows = frame(900)
    found = compared(rows, categorical=[], candidates={"hist_gradient_boosting": BOOSTING})
    number, label = rows[["delay"]].to_numpy("float64"), (rows["is_late"] == "true").to_numpy().astype(int)
    test = (rows[SET] == 2).to_numpy()
    areas = {}
    for name, learnt in {"train": (rows[SET] == 0).to_numpy(), "both": ~test}.items():
        plain = HistGradientBoostingClassifier(random_state=1, early_stopping=False, **BOOSTING)
        plain.fit(number[learnt], label[learnt])
        areas[name] = roc_auc_score(label[test], plain.predict_proba(number[test])[:, 1])
    assert found.candidates["hist_gradient_boosting"]["test"]["roc_auc"] == pytest.approx(areas["train"], abs=1e-4)
    assert found.metrics["roc_auc"] == pytest.approx(areas["both"], abs=1e-4)
    assert areas["train"] != pytest.approx(areas["both"], abs=1e-4)
    assert found.evaluation.test.probabilities == pytest.approx(plain.predict_proba(number[test])[:, 1], abs=1e-6)


def test_validation_selects_and_the_test_set_does_not() -> None:
    """A candidate without the number is the better one on test only, where the number is turned around."""
    rows = frame(900)
    test = (rows[SET] == 2).to_numpy()
    rows.loc[test, "delay"] *= -1
    found = compared(rows, candidates={"logistic_regression": {}, "hist_gradient_boosting": BOOSTING})
    validation, on_test = (
        {name: one[which]["roc_auc"] for name, one in found.candidates.items()} for which in ("validation", "test")
    )
    assert max(on_test, key=lambda name: on_test[name]) == "dummy"
    assert found.selected == max(validation, key=lambda name: validation[name]) != "dummy"


def test_a_blend_is_the_weighted_mean_of_logits() -> None:
    random = np.random.default_rng(1)
    one, other = random.random(50), random.random(50)
    mixed = combine([np.column_stack([1 - p, p]) for p in (one, other)], [3, 1])[:, 1]
    logits = 0.75 * np.log(one / (1 - one)) + 0.25 * np.log(other / (1 - other))
    assert mixed == pytest.approx(1 / (1 + np.exp(-logits)))
    certain = combine([np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])], [1, 1])
    assert np.isfinite(certain).all() and certain.sum() == pytest.approx(1)


def test_a_selected_blend_predicts_with_both_refitted_parts() -> None:
    found = compared(
        frame(900), candidates={**CANDIDATES, "blend": {"logistic_regression": 9, "hist_gradient_boosting": 1}}
    )
    assert found.selected in ("blend", "logistic_regression")
    parts = compared(
        frame(900), candidates={name: CANDIDATES[name] for name in ("logistic_regression", "hist_gradient_boosting")}
    )
    blend = found.candidates["blend"]
    assert blend["rows"] == 300 and blend["parameters"] == {"logistic_regression": 9, "hist_gradient_boosting": 1}
    assert parts.candidates["logistic_regression"]["test"] == found.candidates["logistic_regression"]["test"]
    if found.selected == "blend":
        assert isinstance(found.pipeline, Blend)
        rows = frame(900)[(frame(900)[SET] == 2).to_numpy()]
        assert found.pipeline.predict_proba(rows)[:, 1] == pytest.approx(found.evaluation.test.probabilities, abs=1e-6)


def test_a_candidate_learns_from_the_stated_sample() -> None:
    forest = {"n_estimators": 5, "min_samples_leaf": 5}
    found = compared(frame(900), candidates={"random_forest": {**forest, "max_rows": 100}})
    assert (found.candidates["random_forest"]["rows"], found.candidates["dummy"]["rows"]) == (100, 300)
    assert found.candidates["random_forest"]["parameters"] == {**forest, "max_rows": 100}
    with pytest.raises(
        TaskBroken, match="candidate random_forest: max_rows must be a whole number above 0, not 'half'"
    ):
        compared(frame(900), candidates={"random_forest": {"max_rows": "half"}})


def test_a_cost_moves_the_threshold_for_every_candidate() -> None:
    even = compared(frame(900), cost={"false_positive": 1, "false_negative": 1})
    dear = compared(frame(900), cost={"false_positive": 1, "false_negative": 10})
    assert dear.threshold is not None and even.threshold is not None
    assert dear.threshold < even.threshold
    assert dear.metrics["recall"] > even.metrics["recall"]
    assert min(dear.curves["cost"], key=lambda point: point[1])[0] == pytest.approx(dear.threshold, abs=0.05)
