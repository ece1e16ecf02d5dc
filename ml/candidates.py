"""The candidates: one scikit-learn Pipeline each, encoders and imputation inside, fitted as one object."""

from __future__ import annotations

from typing import Any

from ml.errors import TaskBroken
from ml.task import Task

RAREST_CATEGORY = 50


def make_pipeline(name: str, task: Task) -> Any:
    """Return an unfitted Pipeline for a candidate of the task.

    Raises:
        TaskBroken: no such candidate.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    parameters = task.candidates[name]
    makers = {
        "dummy": lambda: (_encoded(task), DummyClassifier(strategy="prior", **parameters)),
        "logistic_regression": lambda: (_scaled(task), LogisticRegression(random_state=task.seed, **parameters)),
        "random_forest": lambda: (
            _encoded(task),
            RandomForestClassifier(random_state=task.seed, n_jobs=2, **parameters),
        ),
        "hist_gradient_boosting": lambda: (
            _encoded(task),
            HistGradientBoostingClassifier(random_state=task.seed, categorical_features=None, **parameters),
        ),
    }
    if name not in makers:
        raise TaskBroken(f"task {task.task}: no candidate {name!r}; there are {', '.join(makers)}")
    features, classifier = makers[name]()
    return Pipeline([("features", features), ("classifier", classifier)])


def _encoded(task: Task) -> Any:
    """Return what trees need: a category is its share of late rows, cross-fitted; a missing number stays missing."""
    from sklearn.compose import ColumnTransformer
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=task.seed)
    encoder = TargetEncoder(target_type="binary", cv=folds)
    return ColumnTransformer([("category", encoder, task.categorical), ("number", "passthrough", task.numeric)])


def _scaled(task: Task) -> Any:
    """Return what a linear model needs: one column a category, numbers by their rank, missing ones marked."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

    ranks = QuantileTransformer(n_quantiles=200, subsample=20_000, output_distribution="normal", random_state=task.seed)
    numbers = make_pipeline(ranks, SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RAREST_CATEGORY)
    return ColumnTransformer([("category", categories, task.categorical), ("number", numbers, task.numeric)])
