"""Measures the test rows in parts, such as months or the values of a category, and names weak spots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ml.measuring.bootstrap import interval_of, replicate_sums
from ml.measuring.metrics import DECIMALS
from ml.measuring.predicted import Predicted

MIN_SHOWN = 20  # rows of a part before it has a name or figures: of one row, they would be its label and probability
MIN_ROWS = 200  # of a part: fewer say too little to call it weak
MIN_OF_A_CLASS = 20
MIN_DROP = 0.02  # of ROC AUC below that of all rows: of many parts, some are a little lower by chance
MAX_GAP = 0.05  # between the mean probability and what happened, above which calibration counts as off
BINS = 200


@dataclass(frozen=True)
class Part:
    """Rows with one value of a column: the name of the slice, the column, the value as text, and a mask of rows."""

    name: str
    column: str
    value: str
    mask: Any


def measure_slices(predicted: Predicted, parts: Iterable[Part], overall: float) -> list[dict[str, Any]]:
    """Return the figures of each part; `overall` is the ROC AUC of all rows, below which a part may be weak.

    The rows of a part with fewer than MIN_SHOWN are only counted.
    """
    return [
        _measure_part(predicted.part(part.mask), part, overall) if part.mask.sum() >= MIN_SHOWN else _only_counted(part)
        for part in parts
    ]


def _only_counted(part: Part) -> dict[str, Any]:
    figures = dict.fromkeys(("roc_auc", "brier", "gap"))
    return {
        **{"name": part.name, "column": part.column, "value": part.value, "rows": int(part.mask.sum())},
        **{"base_rate": None, **figures, "intervals": figures, "is_weak": False},
        "why": f"fewer than {MIN_SHOWN} rows",
    }


def _measure_part(rows: Predicted, part: Part, overall: float) -> dict[str, Any]:
    certain, happened = _certainty(rows)
    errors = sum((rows.probabilities[:, one] - (rows.labels == one)) ** 2 for one in rows.classes)
    lack = rows.blocks.lack or _too_few(rows.labels)
    figures = {"roc_auc": rows.roc_auc(), "brier": float(errors.mean()), "gap": float((certain - happened).mean())}
    intervals = dict.fromkeys(figures) if lack else _intervals(rows, errors, figures)
    why = lack or _weakness(figures, intervals, overall)
    return {
        "name": part.name,
        "column": part.column,
        "value": part.value,
        "rows": len(rows.labels),
        "base_rate": round(float(happened.mean()), DECIMALS),
        **{name: None if value != value else round(value, DECIMALS) for name, value in figures.items()},
        "intervals": intervals,
        "is_weak": bool(why) and not lack,
        "why": why,
    }


def _certainty(rows: Predicted) -> tuple[Any, Any]:
    """Return what a row's probability says and whether that happened: of several classes, the most probable one."""
    import numpy as np

    if rows.is_binary:
        return rows.probabilities[:, 1].astype("float64"), (rows.labels == 1).astype("float64")
    predicted = rows.probabilities.argmax(axis=1)
    return rows.probabilities.max(axis=1).astype("float64"), np.equal(predicted, rows.labels).astype("float64")


def _too_few(labels: Any) -> str:
    """Return why the rows say too little; empty if they are enough."""
    import numpy as np

    if len(labels) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows"
    counts = np.bincount(labels)
    if len(labels) - counts.max() < MIN_OF_A_CLASS:
        return f"fewer than {MIN_OF_A_CLASS} rows of another class than the largest"
    return ""


def _intervals(rows: Predicted, errors: Any, figures: dict[str, float]) -> dict[str, Any]:
    import numpy as np

    certain, happened = _certainty(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        count = replicate_sums(rows.blocks, np.ones(len(rows.labels)))
        drawn = {
            "roc_auc": rows.replicated_roc_auc(BINS),
            "brier": replicate_sums(rows.blocks, errors) / count,
            "gap": replicate_sums(rows.blocks, certain - happened) / count,
        }
    limits = {"roc_auc": (0.0, 1.0), "brier": (0.0, 2.0), "gap": (-1.0, 1.0)}
    return {name: interval_of(drawn[name], figures[name], within=limits[name]) for name in drawn}


def _weakness(figures: dict[str, float], intervals: dict[str, Any], overall: float) -> str:
    """Return why a part is weak; empty if it is not."""
    reasons = []
    if intervals["roc_auc"] and intervals["roc_auc"][1] < overall and figures["roc_auc"] < overall - MIN_DROP:
        highest = intervals["roc_auc"][1]
        reasons.append(f"ROC AUC {figures['roc_auc']:.3f}, at most {highest:.3f}, is below {overall:.3f}")
    if intervals["gap"] and abs(figures["gap"]) >= MAX_GAP and not intervals["gap"][0] <= 0 <= intervals["gap"][1]:
        side = "high" if figures["gap"] > 0 else "low"
        reasons.append(f"probabilities are {abs(figures['gap']):.1%} too {side}")
    return "; ".join(reasons)
