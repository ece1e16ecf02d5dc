"""Compares the rows since training with a model's reference, and keeps what was found in `predictions.model_drift`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from ml.drift.change import Change, compare
from ml.drift.counting import Counted, count_since_training
from ml.drift.histogram import Histogram
from ml.drift.limits import limits_for
from ml.drift.realised import measure_realised
from ml.predict import Model
from warehouse.connection import cursor_of

MIN_ROWS = 100  # since training; fewer raise no alarm
SCORE = "score"  # the kind of the row that is about the score; of a feature it is the kind of its bins
LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
LAST_SCORED = "select max(scored_at) from predictions.{task} where model_id::text = %s"
IS_MEASURED = "select exists (select from predictions.model_drift where task = %s and model_id = %s and scored_at = %s)"
REMOVE = "delete from predictions.model_drift where task = %s"
INSERT = """
insert into predictions.model_drift (
    task, model_id, kind, name, scored_at, rows, psi, missing_share, new_share, size_ratio, limits, alarms
) values %s
"""


@dataclass(frozen=True)
class ColumnDrift:
    """How one feature, or the score, differs from training; each of `alarms` names a measure, its value and limit."""

    kind: str
    name: str
    change: Change
    missing_share: float | None
    limits: Change
    alarms: list[str]


@dataclass(frozen=True)
class Drift:
    """What was measured of a model: its columns, and the number of rows since training."""

    columns: list[ColumnDrift]
    rows: int

    @property
    def alarms(self) -> list[str]:
        """One sentence for each column with an alarm."""
        return [f"{column.name}: {', '.join(column.alarms)}" for column in self.columns if column.alarms]


def measure_drift(model: Model, *, force: bool = False) -> Drift | None:
    """Measure the drift of a model since its training and replace what is kept of its task.

    The figures of its predictions by month are measured in the same transaction. None if it is measured already, since
    its predictions were made, or cannot be: the model has no predictions, or its manifest, of an older version, no
    reference.
    """
    if "reference" not in model.manifest:
        return None
    with cursor_of("trainer") as cursor:
        cursor.execute(LOCK, [f"drift of {model.task.task}"])
        scored_at = _last_scored(cursor, model)
        cursor.execute(IS_MEASURED, [model.task.task, model.model_id, scored_at])
        if scored_at is None or (cursor.fetchone() == (True,) and not force):
            return None
        drift = compare_with_training(cursor, model)
        cursor.execute(REMOVE, [model.task.task])
        records = [_record(model, scored_at, drift.rows, column) for column in drift.columns]
        execute_values(cursor, INSERT, records)
        measure_realised(cursor, model)
    return drift


def compare_with_training(cursor: Any, model: Model) -> Drift:
    """Return how the rows since training differ from the model's reference."""
    reference = model.manifest["reference"]
    features = {name: Histogram.from_json(held) for name, held in reference["features"].items()}
    score = Histogram.from_json(reference["score"])
    score_column = "probability" if model.is_binary else "predicted_label"
    bins = {name: histogram.bins for name, histogram in features.items()}
    counted = count_since_training(cursor, model, bins, (score_column, score.bins))
    limits = [reference["limits"][name] for name in features] + [reference["score_limits"]]
    kinds = [*(histogram.bins.kind for histogram in features.values()), SCORE]
    names, before = [*features, score_column], [*features.values(), score]
    stretch = _stretch(counted, reference["part_days"])
    columns = [
        _compare(kind, name, (now, then), limits_for(Change(**limit), now, then, stretch))
        for kind, name, now, then, limit in zip(kinds, names, counted.histograms, before, limits, strict=True)
    ]
    return Drift(columns, counted.rows)


def _last_scored(cursor: Any, model: Model) -> Any:
    """Return when the predictions of the model were made; None if there are none."""
    relation = sql.Identifier("predictions", model.task.task)
    cursor.execute("select to_regclass(%s)", [relation.as_string(cursor)])
    if cursor.fetchone() == (None,):
        return None
    cursor.execute(sql.SQL(LAST_SCORED).format(task=sql.Identifier(model.task.task)), [model.model_id])
    (found,) = cursor.fetchone()
    return found


def _stretch(counted: Counted, part_days: int | None) -> float:
    """Return how many times longer than the days of the rows the parts are that limits were calibrated on."""
    return max(part_days / counted.days, 1.0) if part_days and counted.days else 1.0


def _compare(kind: str, name: str, pair: tuple[Histogram, Histogram], limits: Change) -> ColumnDrift:
    now, then = pair
    change = compare(now, then)
    measures = change.exceeded(limits) if now.rows >= MIN_ROWS else []
    missing = now.missing / now.rows if now.rows else None
    alarms = [_describe(measure, change, limits, pair) for measure in measures]
    return ColumnDrift(kind, name, change, missing, limits, alarms)


def _describe(measure: str, change: Change, limits: Change, pair: tuple[Histogram, Histogram]) -> str:
    """Return one alarm for people: the measure, its value and its limit."""
    value, limit = getattr(change, measure), getattr(limits, measure)
    if measure == "psi":
        return f"PSI {value:.3f} (limit {limit:.3f})"
    if measure == "missing":
        now, then = (one.missing / one.rows for one in pair)
        return f"missing {now:.1%}, in training {then:.1%} (limit {limit:.1%} apart)"
    if measure == "new":
        return f"new values {value:.1%} (limit {limit:.1%})"
    return f"size times {math.exp(value):.3g}, another unit? (limit {math.exp(limit):.3g} or 1/{math.exp(limit):.3g})"


def _record(model: Model, scored_at: Any, rows: int, column: ColumnDrift) -> tuple[Any, ...]:
    change = column.change
    ratio = None if change.scale is None else math.exp(change.scale)
    limits = {name: value for name, value in asdict(column.limits).items() if value is not None}
    return (
        *(model.task.task, model.model_id, column.kind, column.name, scored_at, rows),
        *(change.psi, column.missing_share, change.new, ratio),
        *(json.dumps(limits), column.alarms),
    )
