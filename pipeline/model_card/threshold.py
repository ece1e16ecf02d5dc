"""The threshold from which a row counts as positive: why it was chosen, what it costs, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model_card.figures import Figure, figure_of
from pipeline.report.line_pictures import Axes, Curve, draw_curve

EVEN = 0.5


@dataclass(frozen=True)
class ThresholdFacts:
    """The threshold of a binary model, a sentence about its choice, its figures on test, and the cost curve."""

    value: float
    sentence: str
    precision: Figure
    recall: Figure
    curve: Curve | None


def describe_threshold(manifest: Mapping[str, Any]) -> ThresholdFacts | None:
    """Return the facts about a model's threshold; None for a model of several classes."""
    value = manifest.get("threshold")
    if value is None:
        return None
    points = manifest.get("curves", {}).get("cost") or []
    metrics = manifest.get("metrics", {})
    return ThresholdFacts(
        value=value,
        sentence=_sentence(manifest, value, points),
        precision=figure_of(metrics, "precision"),
        recall=figure_of(metrics, "recall"),
        curve=_draw(value, points) if points else None,
    )


def _sentence(manifest: Mapping[str, Any], value: float, points: list[list[float]]) -> str:
    cost = manifest.get("cost")
    if not cost:
        even = " The cost curve counts each mistake as 1, because the task declares no cost." if points else ""
        return f"A row counts as {manifest.get('positive_label', 'positive')} from a probability of {value:.3g}.{even}"
    costs = f"a false positive costs {cost['false_positive']:g} and a false negative {cost['false_negative']:g}"
    sentence = f"A row counts as {manifest.get('positive_label', 'positive')} from a probability of {value:.3g}, "
    sentence += f"the threshold that costs least on validation if {costs}"
    if points:
        sentence += f": {_cost_at(points, value):.3g} a row, instead of {_cost_at(points, EVEN):.3g} at {EVEN}"
    return sentence + "."


def _cost_at(points: list[list[float]], threshold: float) -> float:
    """Return the cost of the nearest point of the curve."""
    return min(points, key=lambda point: abs(point[0] - threshold))[1]


def _draw(value: float, points: list[list[float]]) -> Curve:
    highest = max(point[1] for point in points) or 1.0
    axes = Axes("threshold", "cost a row", (value, 0.0, value, highest), f"the threshold, {value:.3g}", highest)
    return draw_curve("Cost on validation", points, axes, marks=[(value, _cost_at(points, value))])
