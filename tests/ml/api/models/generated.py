"""A task on generated rows, and models of every kind that are fitted on them, without a warehouse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ml.encoding.frame_rows import FrameRows
from ml.learning.blend import Blend
from ml.learning.fitting import LabelledSet, Learning, fit_candidate
from ml.predict import Model
from ml.task import Task

CATEGORICAL, NUMERIC = ["shop", "carrier"], ["delay", "price", "is_first", "empty"]
TEXTS = ["Zürich", "a", "aa", "rare", *(f"s{number}" for number in range(60))]
FITTED = 3000
PARAMETERS: dict[str, dict[str, Any]] = {
    "dummy": {},
    "logistic_regression": {"max_iter": 60},
    "random_forest": {"n_estimators": 12, "min_samples_leaf": 5},
    "hist_gradient_boosting": {"max_iter": 25, "min_samples_leaf": 10},
}
BLENDS = {
    "blend": {"hist_gradient_boosting": 0.7, "logistic_regression": 0.3},
    "blend of trees": {"hist_gradient_boosting": 0.5, "random_forest": 0.5},
}


def frame(rows: int, seed: int = 1) -> pd.DataFrame:
    """Return rows as `read_rows` gives them: categories, and float32 with NaN."""
    random = np.random.default_rng(seed)
    shop = np.where(random.random(rows) < 0.1, -1, random.integers(0, len(TEXTS), rows) ** 2 // len(TEXTS))
    carrier = np.where(random.random(rows) < 0.02, -1, random.integers(0, 3, rows))
    delay = np.where(random.random(rows) < 0.2, np.nan, random.exponential(30, rows))
    numbers = {
        "delay": delay,
        "price": random.normal(size=rows) * 10.0 ** random.integers(-3, 6, rows),
        "is_first": random.integers(0, 2, rows),
        "empty": np.where(random.random(rows) < 0.99, np.nan, 1e30),
    }
    return pd.DataFrame(
        {
            "shop": pd.Categorical.from_codes(shop, TEXTS),
            "carrier": pd.Categorical.from_codes(carrier, ["x", "y", "z"]),
            **{name: values.astype("float32") for name, values in numbers.items()},
        }
    )


def as_dictionaries(of: pd.DataFrame) -> list[dict[str, float | str | None]]:
    """Return the rows as the API has them: plain numbers and texts, None where there is no value."""
    columns = [[None if pd.isna(value) else value for value in of[name].tolist()] for name in of.columns]
    return [dict(zip(of.columns, values, strict=True)) for values in zip(*columns, strict=True)]


def fitted_model(kind: str, classes: int = 2, rows: int = FITTED) -> Model:
    """Return a model of this kind, fitted on generated rows whose label depends on some features."""
    weights = BLENDS.get(kind)
    task = Task(
        task="small",
        table="rows",
        key="row_id",
        label="label",
        split={"test_share": 0.2, "validation_share": 0.2},
        categorical=CATEGORICAL,
        numeric=NUMERIC,
        candidates=PARAMETERS,
    )
    found = frame(rows)
    random = np.random.default_rng(2)
    score = (
        found["delay"].fillna(40).to_numpy() / 30 + (found["shop"].cat.codes.to_numpy() % 5) + random.normal(size=rows)
    )
    labels = np.searchsorted(np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]), score).astype("int8")
    learning = Learning(task, classes, LabelledSet(FrameRows(found), labels), {})
    names = list(weights) if weights else [kind]
    parts = {name: fit_candidate(learning, name).pipeline for name in names}
    pipeline = Blend(parts, weights) if weights else parts[kind]
    manifest = {"model_id": "m", "kind": "binary" if classes == 2 else "multi-class", "threshold": 0.5}
    return Model(task, {**manifest, "classes": [f"c{number}" for number in range(classes)]}, lambda: pipeline)
