"""Equal models have equal bytes, also if parts of one were fitted in other processes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

from ml.registry.model_bytes import write_model

NUMBERS = np.random.default_rng(1).normal(size=(400, 4)).astype("float32")
LABELS = (NUMBERS[:, 0] > 0).astype(int)
CLASSIFIERS = {
    "forest": RandomForestClassifier(8, random_state=1, n_jobs=2, max_samples=0.5),
    "boosting": HistGradientBoostingClassifier(max_iter=5, random_state=1),
    "regression": LogisticRegression(),
}


def fitted(kind: str) -> Any:
    features = ColumnTransformer(
        [("group", TargetEncoder(cv=StratifiedKFold(5)), [3]), ("number", "passthrough", [0, 1, 2])]
    )
    rows = np.column_stack([NUMBERS[:, :3], np.arange(len(NUMBERS)) % 7])
    return Pipeline([("features", features), ("classifier", CLASSIFIERS[kind])]).fit(rows, LABELS)


def bytes_of(model: Any, path: Path) -> bytes:
    write_model(model, path)
    return path.read_bytes()


def moved(model: Any) -> Any:
    """Return what another process would send back."""
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_model_of_another_process_has_the_same_bytes(kind: str, tmp_path: Path) -> None:
    here = bytes_of(fitted(kind), tmp_path / "here")
    assert bytes_of(fitted(kind), tmp_path / "again") == here
    assert bytes_of(moved(fitted(kind)), tmp_path / "moved") == here


def test_trees_of_other_processes_leave_the_bytes_the_same(tmp_path: Path) -> None:
    model, here = fitted("forest"), bytes_of(fitted("forest"), tmp_path / "here")
    model[-1].estimators_ = [moved(tree) for tree in model[-1].estimators_]
    assert bytes_of(model, tmp_path / "moved") == here
    assert (joblib.load(tmp_path / "moved").predict_proba(NUMBERS) == model.predict_proba(NUMBERS)).all()


def test_parts_that_share_a_list_have_the_bytes_of_equal_parts(tmp_path: Path) -> None:
    shared = ["shop", "payment_method"]
    together = bytes_of([shared, shared, shared[0]], tmp_path / "together")
    assert bytes_of([list(shared), moved(shared), moved(shared[0])], tmp_path / "apart") == together


def test_another_value_gives_other_bytes(tmp_path: Path) -> None:
    model, here = fitted("regression"), bytes_of(fitted("regression"), tmp_path / "here")
    model[-1].coef_[0, 0] = np.nextafter(model[-1].coef_[0, 0], 1)
    assert bytes_of(model, tmp_path / "other") != here
