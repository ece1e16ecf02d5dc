"""Measures one candidate on one set: exact figures, their intervals, and the replicates that differences need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.measuring.bootstrap import interval_of
from ml.measuring.metrics import DECIMALS, measure, measure_classes
from ml.measuring.predicted import Predicted
from ml.measuring.replicates import replicate_binary, replicate_classes

UNDEFINED = "a metric is undefined in too many replicates"
UNBOUNDED = {"log_loss": (0.0, float("inf"))}


@dataclass(frozen=True)
class Measured:
    """The figures of a candidate on a set, and each metric's value in every replicate of the bootstrap."""

    figures: dict[str, float]
    replicates: dict[str, Any]
    lack: str

    def as_json(self) -> dict[str, Any]:
        """Return figures and intervals.

        An interval is None if its metric is undefined in too many replicates, such as precision where nothing is
        predicted positive; if all are None, `intervals_lack` says why.
        """
        intervals = {name: self._interval(name) for name in self.replicates}
        lack = self.lack or ("" if any(intervals.values()) else UNDEFINED)
        return {**self.figures, "intervals": intervals, **({"intervals_lack": lack} if lack else {})}

    def minus(self, other: Measured) -> dict[str, dict[str, float | None]]:
        """Return for each metric the difference to another candidate on the same rows, with a paired interval."""
        return {name: self._minus(other, name) for name in self.replicates}

    def _minus(self, other: Measured, name: str) -> dict[str, float | None]:
        exact = self.figures[name] - other.figures[name]
        drawn = self.replicates[name] - other.replicates[name]
        interval = None if self.lack else interval_of(drawn, exact, within=(-float("inf"), float("inf")))
        low, high = interval or (None, None)
        return {"difference": round(exact, DECIMALS), "low": low, "high": high}

    def _interval(self, name: str) -> list[float] | None:
        if self.lack:
            return None
        return interval_of(self.replicates[name], self.figures[name], within=UNBOUNDED.get(name, (0.0, 1.0)))


def measure_with_intervals(rows: Predicted, threshold: float) -> Measured:
    """Return the figures of predicted rows with their replicates; the threshold counts for two classes only."""
    labels, probabilities, blocks = rows.labels, rows.probabilities, rows.blocks
    if probabilities.shape[1] == 2:
        positive = probabilities[:, 1].astype("float64")
        figures = measure(labels, positive, threshold)
        return Measured(figures, replicate_binary(blocks, labels, positive, threshold), blocks.lack)
    wide = probabilities.astype("float64")
    wide /= wide.sum(axis=1, keepdims=True)
    return Measured(measure_classes(labels, wide), replicate_classes(blocks, labels, wide), blocks.lack)
