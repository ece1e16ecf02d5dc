"""Describes the rows that a model learnt from, for its manifest: histograms of features and score, and their limits.

The member `reference` of a manifest:

    {"features": {name: {"kind": "number", "edges": [...], "counts": [...], "missing": n, "nonzero": n, "scale": x, ...}
                  or {"kind": "category", "values": [...], "counts": [other, ...], "missing": n}},
     "score": as a feature, "rows": n, "from": day or null, "to": day or null,
     "limits": {feature: {"psi": x, "missing": x, "new": x, "scale": x}}, "score_limits": as of a feature,
     "limits_from": "9 pairs of months", "part_days": 30 or null, "min_rows": 20}

`counts[0]` of numbers are those below the first edge, of categories those with a value that is not named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from ml.drift.change import compare
from ml.drift.histogram import MIN_ROWS, Bins, Histogram, category_bins, count, merge, number_bins
from ml.drift.limits import MARGIN, Parts, calibrate, divide
from ml.reading.frame import BLOCK, SET
from ml.task import Task

MAX_ROWS = 300_000  # of the reference, evenly spaced in the frame's order
MAX_SCORED_ROWS = 30_000


@dataclass(frozen=True)
class Scored:
    """The model that the reference is for: the features that it takes, and how it predicts.

    `predict` returns a row's probability of each of `classes`; `validation` are the probabilities, with the same
    columns, that the same recipe gave to the validation rows before it had learnt from them.
    """

    features: list[str]
    predict: Callable[[Any], Any]
    classes: list[str]
    validation: Any = None


def describe_reference(task: Task, rows: Any, scored: Scored) -> dict[str, Any]:
    """Return the manifest's member `reference` of a model that learnt from a frame of `read_rows`.

    Of a split by time it describes all rows before the test set, with and without a label; otherwise all rows, since
    later rows come in other batches.
    """
    import numpy as np

    places = np.flatnonzero(rows[SET].isin([0, 1])) if task.split.time_column else np.arange(len(rows))
    places = places[:: max(-(-len(places) // MAX_ROWS), 1)]
    known = rows if len(places) == len(rows) else rows.iloc[places]
    their_days = known[BLOCK].to_numpy() if task.split.time_column else None
    parts = divide(len(known), their_days)
    columns = {name: known[name] for name in scored.features}
    described = {name: _describe(column, parts, name in task.categorical) for name, column in columns.items()}
    features = {name: whole for name, (whole, _) in described.items()}
    limits = {name: calibrate(of_parts) for name, (_, of_parts) in described.items()}
    score, score_limits = _describe_score(known, scored, their_days)
    dates = None if their_days is None or not len(their_days) else their_days.astype("datetime64[D]")
    return {
        "features": {name: one.as_json() for name, one in features.items()},
        "score": score.as_json(),
        "rows": len(known),
        "from": None if dates is None else str(dates.min()),
        "to": None if dates is None else str(dates.max()),
        "limits": {name: asdict(one) for name, one in limits.items()},
        "score_limits": asdict(score_limits),
        "limits_from": f"{parts.number - 1} pairs of {parts.unit}",
        "part_days": parts.days,
        "min_rows": MIN_ROWS,
    }


def _describe(values: Any, parts: Parts, is_category: bool) -> tuple[Histogram, list[Histogram]]:
    """Return the histogram of a column, and that of each part."""
    bins = category_bins(values) if is_category else number_bins(values.to_numpy(dtype="float64"))
    return _count(bins, values, parts)


def _count(bins: Bins, values: Any, parts: Parts) -> tuple[Histogram, list[Histogram]]:
    import numpy as np

    of_row = np.where(parts.of_row < 0, parts.number, parts.of_row)
    found = count(bins, values, of_row, parts.number + 1)
    return merge(found), found[: parts.number]


def _describe_score(rows: Any, scored: Scored, days: Any) -> tuple[Histogram, Any]:
    """Return the histogram of the score on rows that the model learnt from, and its limits.

    A model is surer of rows that it learnt from than of others. The difference that this makes on the validation rows
    is added to the limit.
    """
    step = max(-(-len(rows) // MAX_SCORED_ROWS), 1)
    sample = rows.iloc[::step]
    values = score_of(scored.predict(sample), scored.classes)
    parts = divide(len(sample), None if days is None else days[::step])
    whole, of_parts = _describe(values, parts, len(scored.classes) > 2)
    limits = calibrate(of_parts)
    if scored.validation is None:
        return whole, limits
    validation = sample[(sample[SET] == 1).to_numpy()]
    learnt = score_of(scored.predict(validation), scored.classes) if len(validation) else values.iloc[:0]
    before = score_of(scored.validation, scored.classes)
    one, other = (_count(whole.bins, found, divide(len(found), None))[0] for found in (learnt, before))
    change = compare(other, one)
    return whole, replace(
        limits,
        psi=round((limits.psi or 0) + MARGIN * (change.psi or 0), 4),
        scale=round((limits.scale or 0) + MARGIN * abs(change.scale or 0), 4),
    )


def score_of(probabilities: Any, classes: list[str]) -> Any:
    """Return the score of each row as a pandas series: of two classes the second's probability, else the likeliest.

    Of two classes, `probabilities` may have only the second's.
    """
    import numpy as np
    import pandas as pd

    if len(classes) == 2:
        return pd.Series(probabilities if probabilities.ndim == 1 else probabilities[:, 1])
    return pd.Series(np.array(classes, dtype=object)[probabilities.argmax(axis=1)], dtype="category")
