"""Small line pictures, a model's curves and what a stage took over the runs: their points; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SIDE = 200
WIDE, LOW = 140, 32


@dataclass(frozen=True)
class Curve:
    """A curve in the unit square; `steady` is what it is held against, from corner to corner or level."""

    title: str
    x_name: str
    y_name: str
    points: str
    steady: tuple[float, float, float, float]
    words: str
    marks: list[tuple[float, float]]


def draw_curves(curves: dict[str, list[list[float]]], base_rate: float) -> list[Curve]:
    """Return ROC, precision-recall and calibration of a model's manifest."""
    drawn = []
    if curves.get("roc"):
        drawn.append(
            _curve("ROC", ("false positives", "true positives"), curves["roc"], (0, 0, 1, 1), "dashed: guessing")
        )
    if curves.get("precision_recall"):
        level = (0, base_rate, 1, base_rate)
        drawn.append(
            _curve(
                "Precision and recall", ("recall", "precision"), curves["precision_recall"], level, "dashed: always yes"
            )
        )
    if curves.get("calibration"):
        points = [point[:2] for point in curves["calibration"]]
        names = ("forecast", "frequency")
        drawn.append(_curve("Calibration", names, points, (0, 0, 1, 1), "dashed: as forecast", is_marked=True))
    return drawn


def _curve(
    title: str,
    names: tuple[str, str],
    points: Sequence[Sequence[float]],
    steady: tuple[float, float, float, float],
    against: str,
    *,
    is_marked: bool = False,
) -> Curve:
    placed = [(x * SIDE, (1 - y) * SIDE) for x, y in points]
    step = max(len(points) // 4, 1)
    said = ", ".join(f"{x:.2f} → {y:.2f}" for x, y in list(points)[::step])
    x1, y1, x2, y2 = steady
    return Curve(
        title=title,
        x_name=names[0],
        y_name=names[1],
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed),
        steady=(x1 * SIDE, (1 - y1) * SIDE, x2 * SIDE, (1 - y2) * SIDE),
        words=f"{names[0]} → {names[1]}: {said}; {against}",
        marks=placed if is_marked else [],
    )


@dataclass(frozen=True)
class History:
    """One figure over the runs, oldest first, and the sentence that says the same."""

    points: str
    last: tuple[float, float]
    words: str


def draw_history(values: Sequence[float], unit: str) -> History | None:
    """Return the line of two values or more, from nothing to the highest."""
    if len(values) < 2:
        return None
    highest = max(values) or 1.0
    step = (WIDE - 8) / (len(values) - 1)
    placed = [(4 + n * step, LOW - 3 - value / highest * (LOW - 6)) for n, value in enumerate(values)]
    return History(
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed),
        last=placed[-1],
        words=f"{len(values)} runs, {min(values):,.1f} to {max(values):,.1f} {unit}, last {values[-1]:,.1f}",
    )
