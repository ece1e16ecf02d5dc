"""Measures the stored predictions of rows whose label has landed, by month, without scoring them again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extras import execute_values

from ml.drift.realised_rows import Labelled, forget_predictions, read_realised
from ml.predict import Model

MIN_ROWS = 20  # fewer say nothing, and are only counted
REMOVE = "delete from predictions.realised_figures where task = %s"
INSERT = "insert into predictions.realised_figures (task, model_id, month, is_predicted, rows, metrics) values %s"


@dataclass(frozen=True)
class Realised:
    """How good the stored predictions of a month turned out to be.

    `is_predicted` is true of rows that were scored before their label landed; the label of the others was there, but
    the model did not learn from them either. `metrics` are those of the test set, with intervals; empty if there are
    too few rows or not every class is among them.
    """

    month: date | None
    is_predicted: bool
    rows: int
    metrics: dict[str, Any]


def measure_realised(cursor: Any, model: Model) -> list[Realised]:
    """Return the figures of a model's predictions, by month, and replace what is kept of its task."""
    forget_predictions(cursor, model)
    found = [
        Realised(rows.month, rows.is_predicted, len(rows.labels), _measure(model, rows))
        for rows in read_realised(cursor, model)
    ]
    cursor.execute(REMOVE, [model.task.task])
    records = [
        (model.task.task, model.model_id, one.month, one.is_predicted, one.rows, json.dumps(one.metrics))
        for one in found
    ]
    execute_values(cursor, INSERT, records)
    return found


def _measure(model: Model, rows: Labelled) -> dict[str, Any]:
    """Return the metrics of the rows of a month."""
    import numpy as np

    from ml.measuring.bootstrap import make_blocks
    from ml.measuring.measured import measure_with_intervals
    from ml.measuring.predicted import Predicted

    if len(rows.labels) < MIN_ROWS or len(np.unique(rows.labels)) < len(model.classes):
        return {}
    probabilities = rows.probabilities
    if model.is_binary:
        probabilities = np.column_stack([1 - probabilities[:, 0], probabilities[:, 0]])
    split = model.task.split
    has_blocks = split.time_column or split.group_column
    made = make_blocks(rows.blocks if has_blocks else np.arange(len(rows.labels)), split.block, model.task.seed)
    threshold = model.threshold if model.is_binary else 0.5
    return measure_with_intervals(Predicted(rows.labels, probabilities, made), threshold).as_json()
