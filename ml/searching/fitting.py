"""Fits one trial on the training set and measures it on validation; the test set is not there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ml.checking.training_rows import TrainingRows
from ml.learning.divided import divide
from ml.learning.fitting import Learning, fit_candidate
from ml.measuring.metrics import measure, measure_classes
from ml.reading.frame import read_rows
from ml.searching.ranges import Draw
from ml.task import DEFAULT_THRESHOLD, Task

VALIDATION = "validation"


@dataclass(frozen=True)
class Measured:
    """What a trial gave on validation, and the seconds of its fit."""

    draw: Draw
    validation: dict[str, float]
    seconds: float
    has_converged: bool


def read_for_search(task: Task, hashed: TrainingRows) -> tuple[Learning, Any]:
    """Return what trials learn from and predict, and the labels of the predicted rows.

    Raises:
        NothingToLearn, TaskBroken: see `ml.errors`.
        RowsChanged: the table was written after it was hashed.
    """
    divided = divide(task, read_rows(task, hashed))
    return divided.learning(("train",), predicted=(VALIDATION,)), divided.sets[VALIDATION].labels


def fit_trial(learning: Learning, labels: Any, draw: Draw) -> Measured:
    """Fit a candidate with the parameters of a trial, and measure it.

    Raises:
        TaskBroken: scikit-learn refuses the parameters.
    """
    task = learning.task.model_copy(update={"candidates": {draw.candidate: draw.parameters}})
    fitted = fit_candidate(replace(learning, task=task), draw.candidate)
    probabilities = fitted.probabilities[VALIDATION].astype("float64")
    if learning.classes == 2:
        figures = measure(labels, probabilities[:, 1], DEFAULT_THRESHOLD)
    else:
        figures = measure_classes(labels, probabilities / probabilities.sum(axis=1, keepdims=True))
    return Measured(draw, figures, round(fitted.seconds, 2), fitted.has_converged)
