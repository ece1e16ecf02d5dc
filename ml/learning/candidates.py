"""Makes the candidates: one scikit-learn Pipeline each, with encoders and imputation inside, fitted as one object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml.errors import TaskBroken
from ml.task import BLEND, Task

MAX_ROWS = "max_rows"  # of a candidate's parameters: it learns from a random sample of so many rows
DEFAULT_MAX_ROWS = {"random_forest": 60_000, "logistic_regression": 150_000}  # more rows hardly help these

# Not the library's defaults: categories are encoded already, and all rows are learnt from, without a copy of most.
BOOSTING: dict[str, Any] = {"categorical_features": None, "early_stopping": False}


def make_pipeline(name: str, task: Task, classes: int = 2) -> Any:
    """Return an unfitted Pipeline for a candidate of the task, whose label has so many classes.

    Raises:
        TaskBroken: there is no candidate of this name.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    from ml.encoding.features import LinearFeatures

    parameters = parameters_of(name, task)
    parameters.pop(MAX_ROWS, None)
    seed: dict[str, Any] = {"random_state": task.seed}
    makers: dict[str, Callable[[], tuple[Any, Any]]] = {
        # A dummy counts rows and labels only: the smallest type keeps its matrix small beside that of another fit.
        "dummy": lambda: (_tree_features(task, classes, "bool"), DummyClassifier(strategy="prior", **parameters)),
        "logistic_regression": lambda: (
            LinearFeatures(task.categorical, task.numeric, seed=task.seed),
            LogisticRegression(**seed, **parameters),
        ),
        "random_forest": lambda: (
            _tree_features(task, classes, "float32"),
            RandomForestClassifier(**seed, **parameters),
        ),
        "hist_gradient_boosting": lambda: (
            _tree_features(task, classes, "float64"),  # it would copy a matrix of another type
            HistGradientBoostingClassifier(**seed, **{**BOOSTING, **parameters}),
        ),
    }
    if name not in makers:
        known = ", ".join([*makers, BLEND])
        raise TaskBroken(f"task {task.task}: unknown candidate {name!r}: choose from {known}")
    try:
        features, classifier = makers[name]()
    except TypeError as error:
        reason = str(error).rpartition("() ")[2]
        raise TaskBroken(
            f"task {task.task}: candidate {name}: {reason}; correct it in ml/tasks/{task.task}.yml"
        ) from None
    return Pipeline([("features", features), ("classifier", classifier)])


def _tree_features(task: Task, classes: int, dtype: str) -> Any:
    from ml.encoding.features import TreeFeatures

    return TreeFeatures(task.categorical, task.numeric, classes=classes, seed=task.seed, dtype=dtype)


def parameters_of(name: str, task: Task) -> dict[str, Any]:
    """Return a candidate's parameters, with the number of rows that it learns from at most."""
    limit = {MAX_ROWS: DEFAULT_MAX_ROWS[name]} if name in DEFAULT_MAX_ROWS else {}
    return {**limit, **task.compared[name]}


def max_rows(name: str, task: Task) -> int | None:
    """Return the number of rows from which a candidate learns at most; None for all.

    Raises:
        TaskBroken: the number that the task declares is not a whole one above 0.
    """
    given = parameters_of(name, task).get(MAX_ROWS)
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise TaskBroken(
            f"task {task.task}: candidate {name}: {MAX_ROWS} must be a whole number above 0, not {given!r};"
            f" correct it in ml/tasks/{task.task}.yml"
        )
    return given
