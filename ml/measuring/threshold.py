"""Chooses the threshold that costs least on validation, for what each kind of mistake costs."""

from __future__ import annotations

from typing import Any

from ml.measuring.declaration import Cost

POINTS = 60
EVEN = Cost(false_positive=1, false_negative=1)


def choose_threshold(labels: Any, probability: Any, cost: Cost) -> float:
    """Return the threshold with the lowest cost on these rows; of several, the one nearest to what theory says.

    If probabilities are true, a row should count as positive from false_positive / (false_positive + false_negative).
    Thresholds lie between two neighbouring probabilities.
    """
    import numpy as np

    found = np.unique(probability.astype("float64"))
    thresholds = np.concatenate([[found[0] / 2], (found[1:] + found[:-1]) / 2, [(found[-1] + 1) / 2]])
    costs = costs_at(labels, probability, thresholds, cost)
    theory = cost.false_positive / (cost.false_positive + cost.false_negative)
    cheapest = thresholds[costs <= costs.min() * (1 + 1e-9)]
    best = float(cheapest[np.argmin(np.abs(cheapest - theory))])
    return round(min(max(best, 1e-6), 1 - 1e-6), 6)


def costs_at(labels: Any, probability: Any, thresholds: Any, cost: Cost) -> Any:
    """Return the mean cost of a row for each threshold."""
    import numpy as np

    positives, negatives = (np.sort(probability[labels == one]) for one in (1, 0))
    missed = np.searchsorted(positives, thresholds, side="left")  # positive rows with a lower probability
    alarmed = len(negatives) - np.searchsorted(negatives, thresholds, side="left")
    return (missed * cost.false_negative + alarmed * cost.false_positive) / len(labels)


def cost_curve(labels: Any, probability: Any, cost: Cost) -> list[list[float]]:
    """Return the mean cost of a row at thresholds from 0 to 1."""
    import numpy as np

    thresholds = np.linspace(0, 1, POINTS + 1)
    costs = costs_at(labels, probability, thresholds, cost)
    return [[round(float(one), 4), round(float(mean), 5)] for one, mean in zip(thresholds, costs, strict=True)]
