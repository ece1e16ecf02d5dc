"""Fits one candidate of a task on given rows; pure, so that any thread, process or machine can do it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ml.encoding.frame_rows import FeatureRows, FrameRows
from ml.errors import TaskBroken
from ml.learning.candidates import make_pipeline, max_rows
from ml.learning.precision import use_double_precision
from ml.task import Task

PIECE = 50_000  # rows that are predicted at once, so that their matrix stays small


@dataclass(frozen=True)
class LabelledSet:
    """The rows of one set that have a label, and the number of each row's class."""

    rows: FrameRows
    labels: Any

    def joined(self, other: LabelledSet) -> LabelledSet:
        """Return the rows of both sets of one frame, in the frame's order."""
        import numpy as np

        positions = np.concatenate([self.rows.positions, other.rows.positions])
        order = np.argsort(positions, kind="stable")
        labels = np.concatenate([self.labels, other.labels])[order]
        return LabelledSet(FrameRows(self.rows.frame, positions[order]), labels)


@dataclass(frozen=True)
class Learning:
    """A task and the number of its label's classes, the set to learn from, and the sets of rows to predict.

    Sent to another process, it holds the rows of these sets without their keys.
    """

    task: Task
    classes: int
    train: LabelledSet
    predicted: dict[str, FrameRows]


@dataclass(frozen=True)
class Fitted:
    """A fitted candidate; the seconds and rows that it took, and whether its solver converged.

    `probabilities` are those of each set that was to be predicted: one row each, one column a class.
    """

    name: str
    pipeline: Any
    seconds: float
    rows: int
    has_converged: bool
    probabilities: dict[str, Any]


def fit_candidate(learning: Learning, name: str) -> Fitted:
    """Fit a candidate and predict the sets of rows with it; how many threads it uses is the caller's matter.

    The same rows in the same order give the same candidate, in any process.

    Raises:
        TaskBroken: scikit-learn refuses the candidate's parameters or the rows.
    """
    candidate = make_pipeline(name, learning.task, learning.classes)
    train = _sample(learning, name)
    started = time.monotonic()
    _fit_or_refuse(candidate, learning.task, name, train)
    use_double_precision(candidate)
    seconds = time.monotonic() - started
    probabilities = {which: predict_in_pieces(candidate, rows) for which, rows in learning.predicted.items()}
    return Fitted(name, candidate, seconds, len(train.rows), _has_converged(candidate), probabilities)


def predict_in_pieces(pipeline: Any, rows: FeatureRows) -> Any:
    """Return the probabilities of each row, computed for some rows at a time."""
    import numpy as np

    return np.concatenate([pipeline.predict_proba(piece).astype("float64") for piece in rows.pieces(PIECE)])


def _sample(learning: Learning, name: str) -> LabelledSet:
    """Return the rows that a candidate learns from: all, or a random sample with a row of each class."""
    import numpy as np

    limit, labels = max_rows(name, learning.task), learning.train.labels
    if limit is None or limit >= len(labels):
        return learning.train
    mixed = np.random.default_rng(learning.task.seed).permutation(len(labels))
    _, first = np.unique(labels[mixed], return_index=True)  # of each class, which a small sample could miss
    chosen = np.sort(mixed[np.unique(np.concatenate([np.arange(limit), first]))])
    return LabelledSet(learning.train.rows.take(chosen), labels[chosen])


def _fit_or_refuse(candidate: Any, task: Task, name: str, train: LabelledSet) -> None:
    try:
        candidate.fit(train.rows, train.labels)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise TaskBroken(
            f"task {task.task}: candidate {name} cannot be fitted: {reason}; correct it in ml/tasks/{task.task}.yml"
        ) from None


def _has_converged(candidate: Any) -> bool:
    """Return False for a solver that used all its steps; a warning would reach other threads, too."""
    import numpy as np

    classifier = candidate["classifier"]
    if type(classifier).__name__ != "LogisticRegression":
        return True
    return bool(np.max(classifier.n_iter_) < classifier.max_iter)
