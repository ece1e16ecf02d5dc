"""A feature is important if predictions get worse when its values are exchanged among the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.encoding.frame_rows import FrameRows
from ml.learning.blend import Blend
from ml.learning.fitting import LabelledSet, Learning, fit_candidate
from ml.measuring.bootstrap import make_blocks
from ml.measuring.importance import Sampled, measure_importance
from ml.task import Task
from tests.support.small.task import TASK

ROWS = 3000
WEIGHTS = {"logistic_regression": 1, "hist_gradient_boosting": 3}
DECLARED = {
    **TASK,
    "numeric": ["delay", "twin", "noise"],
    "candidates": {
        "logistic_regression": {},
        "random_forest": {"n_estimators": 10, "min_samples_leaf": 20},
        "hist_gradient_boosting": {"max_iter": 20},
        "blend": WEIGHTS,
    },
}


@pytest.fixture(scope="module")
def rows() -> tuple[FrameRows, Any]:
    random = np.random.default_rng(2)
    delay, shop = random.normal(size=ROWS), random.integers(0, 3, ROWS)
    labels = (delay + 0.8 * (shop == 1) + 0.5 * random.normal(size=ROWS) > 0.3).astype("int32")
    numbers = {"delay": delay, "twin": delay + 0.01 * random.normal(size=ROWS), "noise": random.normal(size=ROWS)}
    frame = pd.DataFrame({name: values.astype("float32") for name, values in numbers.items()})
    return FrameRows(frame.assign(shop=pd.Categorical(np.array(["a", "b", "c"])[shop])), np.arange(ROWS)), labels


@pytest.mark.parametrize("name", ["logistic_regression", "random_forest", "hist_gradient_boosting", "blend"])
def test_groups_are_ranked_by_what_they_add(rows: tuple[FrameRows, Any], name: str) -> None:
    frame_rows, labels = rows
    task = Task.model_validate({**DECLARED, "feature_groups": {"times": ["delay", "twin"]}})
    learning = Learning(task, 2, LabelledSet(frame_rows, labels), {})
    parts = {part: fit_candidate(learning, part).pipeline for part in (WEIGHTS if name == "blend" else [name])}
    pipeline = Blend(parts, WEIGHTS) if name == "blend" else parts[name]
    before = pipeline.predict_proba(frame_rows)
    found = measure_importance(task, Sampled(pipeline, frame_rows, labels, make_blocks(np.arange(ROWS), "row", 1)))
    assert [one["name"] for one in found] == ["times", "shop", "noise"]
    assert found[0]["features"] == ["delay", "twin"]
    assert found[0]["drop"] > 0.2 > found[1]["drop"] > 0.02 > abs(found[2]["drop"])
    assert all(one["low"] <= one["drop"] <= one["high"] for one in found)
    assert found[2]["low"] < 0.02
    assert np.array_equal(pipeline.predict_proba(frame_rows), before)


def test_the_drop_is_that_of_a_frame_with_exchanged_values(rows: tuple[FrameRows, Any]) -> None:
    from sklearn.metrics import roc_auc_score

    frame_rows, labels = rows
    task = Task.model_validate(DECLARED)
    fitted = fit_candidate(Learning(task, 2, LabelledSet(frame_rows, labels), {}), "hist_gradient_boosting").pipeline
    found = measure_importance(task, Sampled(fitted, frame_rows, labels, make_blocks(np.arange(ROWS), "row", 1)))
    order = np.random.default_rng(task.seed).permutation(ROWS)
    exchanged = frame_rows.frame.assign(shop=frame_rows.frame["shop"].take(order).to_numpy())
    areas = [roc_auc_score(labels, fitted.predict_proba(one)[:, 1]) for one in (frame_rows.frame, exchanged)]
    assert {one["name"]: one["drop"] for one in found}["shop"] == pytest.approx(areas[0] - areas[1], abs=1e-4)
