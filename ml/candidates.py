"""Makes the candidates: one scikit-learn Pipeline each, with encoders and imputation inside, fitted as one object."""

from __future__ import annotations

from typing import Any

from ml.errors import TaskBroken
from ml.task import Task

MIN_CATEGORY_ROWS = 50


def make_pipeline(name: str, task: Task) -> Any:
    """Return an unfitted Pipeline for a candidate of the task.

    Raises:
        TaskBroken: there is no candidate of this name.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    parameters = task.candidates[name]
    makers = {
        "dummy": lambda: (_tree_features(task), DummyClassifier(strategy="prior", **parameters)),
        "logistic_regression": lambda: (
            _linear_features(task),
            LogisticRegression(random_state=task.seed, **parameters),
        ),
        "random_forest": lambda: (
            _tree_features(task),
            RandomForestClassifier(random_state=task.seed, n_jobs=2, **parameters),
        ),
        "hist_gradient_boosting": lambda: (
            _tree_features(task),
            HistGradientBoostingClassifier(random_state=task.seed, categorical_features=None, **parameters),
        ),
    }
    if name not in makers:
        raise TaskBroken(f"task {task.task}: unknown candidate {name!r}: choose from {', '.join(makers)}")
    try:
        features, classifier = makers[name]()
    except TypeError as error:
        reason = str(error).rpartition("() ")[2]
        raise TaskBroken(
            f"task {task.task}: candidate {name}: {reason}; correct it in ml/tasks/{task.task}.yml"
        ) from None
    return Pipeline([("features", features), ("classifier", classifier)])


def _tree_features(task: Task) -> Any:
    """Return the features for trees: a category becomes its share of positive labels, cross-fitted; numbers stay."""
    from sklearn.compose import ColumnTransformer
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=task.seed)
    encoder = TargetEncoder(target_type="binary", cv=folds)
    return ColumnTransformer([("category", encoder, task.categorical), ("number", "passthrough", task.numeric)])


def _linear_features(task: Task) -> Any:
    """Return the features for a linear model: one column per category, numbers by rank, missing numbers flagged."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

    ranks = QuantileTransformer(n_quantiles=200, subsample=20_000, output_distribution="normal", random_state=task.seed)
    numbers = make_pipeline(ranks, SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=MIN_CATEGORY_ROWS)
    return ColumnTransformer([("category", categories, task.categorical), ("number", numbers, task.numeric)])
