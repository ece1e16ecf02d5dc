"""Measures how much each feature or group of features matters: what ROC AUC loses when its values are exchanged.

Values are exchanged among a sample of validation rows, in the classifier's matrix, so that encoders run once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml.encoding.frame_rows import FrameRows
from ml.learning.blend import Blend, combine
from ml.measuring.bootstrap import Blocks, interval_of
from ml.measuring.metrics import DECIMALS
from ml.measuring.predicted import Predicted
from ml.task import Task

PREDICTIONS = 300_000  # rows in all: the more groups, the smaller the sample
MIN_SAMPLE, MAX_SAMPLE = 1_000, 20_000
BINS, REPLICATES = 200, 300


@dataclass(frozen=True)
class Sampled:
    """Validation rows with their labels and blocks, and the model that was fitted on the training set."""

    pipeline: Any
    rows: FrameRows
    labels: Any
    blocks: Blocks


def measure_importance(task: Task, whole: Sampled) -> list[dict[str, Any]]:
    """Return name, features, the drop of ROC AUC and its interval of each group, the largest drop first.

    A feature that is in no group of the task is measured alone.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    groups = dict(_groups(task))
    random = np.random.default_rng(task.seed)
    sampled = _sample(whole, len(groups), random)
    order = random.permutation(len(sampled.labels))
    with threadpool_limits(1):
        matrices = _Matrices(sampled.pipeline, sampled.rows)
        intact = _area(sampled, matrices.predict())
        found = [
            {"name": name, "features": features, **_drop(sampled, intact, matrices.predict_exchanged(features, order))}
            for name, features in groups.items()
        ]
    return sorted(found, key=lambda one: -one["drop"])


def _groups(task: Task) -> Iterator[tuple[str, list[str]]]:
    for name, declared in task.feature_groups.items():
        if features := [one for one in declared if one in task.features]:
            yield name, features
    grouped = {one for group in task.feature_groups.values() for one in group}
    yield from ((name, [name]) for name in task.features if name not in grouped)


def _sample(whole: Sampled, groups: int, random: Any) -> Sampled:
    import numpy as np

    size = int(np.clip(PREDICTIONS // groups, MIN_SAMPLE, MAX_SAMPLE))
    if size >= len(whole.labels):
        return whole
    chosen = np.sort(random.choice(len(whole.labels), size, replace=False))
    return Sampled(whole.pipeline, whole.rows.take(chosen), whole.labels[chosen], whole.blocks.of(chosen, REPLICATES))


class _Matrices:
    """The matrices of a model's parts, one of each classifier, in which columns can be exchanged."""

    def __init__(self, pipeline: Any, rows: FrameRows) -> None:
        is_blend = isinstance(pipeline, Blend)
        self._weights = list(pipeline.weights.values()) if is_blend else [1.0]
        self._parts = list(pipeline.parts.values()) if is_blend else [pipeline]
        self._matrices = [part["features"].transform(rows) for part in self._parts]

    def predict(self) -> Any:
        """Return the probabilities of the rows."""
        predicted = [
            part["classifier"].predict_proba(matrix) for part, matrix in zip(self._parts, self._matrices, strict=True)
        ]
        return combine(predicted, self._weights) if len(predicted) > 1 else predicted[0]

    def predict_exchanged(self, features: list[str], order: Any) -> Any:
        """Return the probabilities with the values of some features taken from other rows."""
        columns = [
            [column for name in features for column in part["features"].columns_of(name)] for part in self._parts
        ]
        kept = [matrix[:, one].copy() for matrix, one in zip(self._matrices, columns, strict=True)]
        for matrix, one, values in zip(self._matrices, columns, kept, strict=True):
            matrix[:, one] = values[order]
        predicted = self.predict()
        for matrix, one, values in zip(self._matrices, columns, kept, strict=True):
            matrix[:, one] = values
        return predicted


def _area(sampled: Sampled, probabilities: Any) -> tuple[float, Any]:
    """Return ROC AUC, and its value in each replicate."""
    rows = Predicted(sampled.labels, probabilities, sampled.blocks)
    return rows.roc_auc(), rows.replicated_roc_auc(BINS)


def _drop(sampled: Sampled, intact: tuple[float, Any], probabilities: Any) -> dict[str, float | None]:
    area, drawn = _area(sampled, probabilities)
    drop = intact[0] - area
    interval = None if sampled.blocks.lack else interval_of(intact[1] - drawn, drop, within=(-1, 1))
    low, high = interval or (None, None)
    return {"drop": 0.0 if drop != drop else round(drop, DECIMALS), "low": low, "high": high}
