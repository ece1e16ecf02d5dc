"""The points of small line pictures (a model's curves, a stage's CPU time over the runs); the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CURVE_SIDE = 200
HISTORY_WIDTH, HISTORY_HEIGHT = 140, 32


@dataclass(frozen=True)
class Curve:
    """A curve in the unit square.

    `baseline` is the dashed line to compare it with, `sentence` says the same in words, `marks` are points to show.
    """

    title: str
    x_name: str
    y_name: str
    points: str
    baseline: tuple[float, float, float, float]
    sentence: str
    marks: list[tuple[float, float]]


def draw_curves(curves: dict[str, list[list[float]]], base_rate: float) -> list[Curve]:
    """Return the ROC, precision-recall and calibration curves of a model's manifest, those that it has."""
    drawn = []
    if curves.get("roc"):
        drawn.append(
            _curve(
                "ROC",
                curves["roc"],
                x_name="false positives",
                y_name="true positives",
                baseline=(0, 0, 1, 1),
                baseline_means="random guessing",
            )
        )
    if curves.get("precision_recall"):
        drawn.append(
            _curve(
                "Precision and recall",
                curves["precision_recall"],
                x_name="recall",
                y_name="precision",
                baseline=(0, base_rate, 1, base_rate),
                baseline_means="always predicting yes",
            )
        )
    if curves.get("calibration"):
        drawn.append(
            _curve(
                "Calibration",
                [point[:2] for point in curves["calibration"]],
                x_name="forecast",
                y_name="frequency",
                baseline=(0, 0, 1, 1),
                baseline_means="perfectly calibrated",
                is_marked=True,
            )
        )
    return drawn


def _curve(
    title: str,
    points: Sequence[Sequence[float]],
    *,
    x_name: str,
    y_name: str,
    baseline: tuple[float, float, float, float],
    baseline_means: str,
    is_marked: bool = False,
) -> Curve:
    scaled = [(x * CURVE_SIDE, (1 - y) * CURVE_SIDE) for x, y in points]
    step = max(len(points) // 4, 1)
    some_points = ", ".join(f"{x:.2f} → {y:.2f}" for x, y in list(points)[::step])
    x1, y1, x2, y2 = baseline
    return Curve(
        title=title,
        x_name=x_name,
        y_name=y_name,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in scaled),
        baseline=(x1 * CURVE_SIDE, (1 - y1) * CURVE_SIDE, x2 * CURVE_SIDE, (1 - y2) * CURVE_SIDE),
        sentence=f"{x_name} → {y_name}: {some_points}; dashed: {baseline_means}",
        marks=scaled if is_marked else [],
    )


@dataclass(frozen=True)
class History:
    """One figure over the runs, oldest first, and a sentence that says the same."""

    points: str
    last: tuple[float, float]
    sentence: str


def draw_history(values: Sequence[float], unit: str) -> History | None:
    """Return the line of two or more values, scaled from zero to the highest; None for fewer."""
    if len(values) < 2:
        return None
    highest = max(values) or 1.0
    step = (HISTORY_WIDTH - 8) / (len(values) - 1)
    scaled = [
        (4 + n * step, HISTORY_HEIGHT - 3 - value / highest * (HISTORY_HEIGHT - 6)) for n, value in enumerate(values)
    ]
    return History(
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in scaled),
        last=scaled[-1],
        sentence=f"{len(values)} runs, {min(values):,.1f} to {max(values):,.1f} {unit}, last {values[-1]:,.1f}",
    )
