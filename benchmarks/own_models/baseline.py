"""The same model as a notebook would make it: pandas, a ColumnTransformer, one scikit-learn estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.task import Task

RESAMPLES = 200


@dataclass(frozen=True)
class Sets:
    """The rows to fit on and to measure on: data frames of the mart's own values."""

    training: Any
    test: Any


@dataclass(frozen=True)
class Figures:
    """ROC AUC (one class against the rest, mean of the classes) and log loss on the test set.

    `noise` is the standard deviation of the ROC AUC over test sets drawn again from the test set (bootstrap).
    """

    auc: float
    log_loss: float
    noise: float


def fit_and_measure(task: Task, candidate: str, rows: Sets, *, is_one_hot: bool = False) -> Figures:
    """Fit on the training rows and measure on the test rows.

    For trees, a category becomes its mean label (scikit-learn's TargetEncoder), or one column each (`is_one_hot`).
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    texts = _texts(is_one_hot or candidate == "logistic_regression")
    columns = ColumnTransformer([("text", texts, task.categorical), ("number", _numbers(candidate), task.numeric)])
    model = make_pipeline(columns, _estimator(task, candidate))
    model.fit(_clean(task, rows.training), rows.training[task.label].astype(str))
    probabilities = model.predict_proba(_clean(task, rows.test))
    return measured(probabilities, rows.test[task.label].astype(str), list(model.classes_))


def measured(probabilities: Any, labels: Any, classes: list[str]) -> Figures:
    """Measure probabilities, one column a class."""
    import numpy as np
    from sklearn.metrics import log_loss

    labels = np.asarray(labels)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)  # stored ones are rounded
    chance = np.random.default_rng(1)
    drawn = [chance.integers(0, len(labels), len(labels)) for _ in range(RESAMPLES)]
    aucs = [_auc(probabilities[rows], labels[rows], classes) for rows in drawn]
    return Figures(
        _auc(probabilities, labels, classes),
        log_loss(labels, probabilities, labels=classes),
        float(np.nanstd(aucs)),
    )


def _auc(probabilities: Any, labels: Any, classes: list[str]) -> float:
    import numpy as np
    from sklearn.metrics import roc_auc_score

    found = [
        roc_auc_score(labels == name, probabilities[:, number])
        for number, name in enumerate(classes)
        if 0 < (labels == name).sum() < len(labels)
    ]
    return float(np.mean(found)) if found else float("nan")


def _clean(task: Task, rows: Any) -> Any:
    cleaned = rows[task.features].copy()
    cleaned[task.categorical] = cleaned[task.categorical].astype(object).fillna("missing").astype(str)
    cleaned[task.numeric] = cleaned[task.numeric].astype(float)
    return cleaned


def _texts(is_one_hot: bool) -> Any:
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import OneHotEncoder, TargetEncoder

    if is_one_hot:
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return TargetEncoder(cv=StratifiedKFold(5, shuffle=True, random_state=0))


def _numbers(candidate: str) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if candidate == "hist_gradient_boosting":
        return "passthrough"
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())


def _estimator(task: Task, candidate: str) -> Any:
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    makers = {
        "dummy": DummyClassifier,
        "logistic_regression": LogisticRegression,
        "random_forest": RandomForestClassifier,
        "hist_gradient_boosting": HistGradientBoostingClassifier,
    }
    return makers[candidate](random_state=task.seed, **task.candidates[candidate])
