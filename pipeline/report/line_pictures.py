"""The points of small line pictures (a model's curves, a stage's CPU time over the runs); the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CURVE_SIDE = 200
HISTORY_WIDTH, HISTORY_HEIGHT = 140, 32


@dataclass(frozen=True)
class Curve:
    """A curve whose x is between 0 and 1, and whose y is between 0 and `y_end`.

    `baseline` is the dashed line to compare it with, `sentence` says the same in words, `marks` are points to show,
    `whiskers` the x, lowest and highest y of their intervals.
    """

    title: str
    x_name: str
    y_name: str
    points: str
    baseline: tuple[float, float, float, float]
    sentence: str
    marks: list[tuple[float, float]]
    whiskers: list[tuple[float, float, float]]
    y_end: str

    @property
    def caption(self) -> str:
        """The title, and what the dashed line means."""
        return f"{self.title}; {self.sentence.rpartition('; ')[2]}"


@dataclass(frozen=True)
class Axes:
    """The names of a curve's axes, the highest y, and its dashed line with its meaning."""

    x_name: str
    y_name: str
    baseline: tuple[float, float, float, float]
    baseline_means: str
    y_end: float = 1.0


def draw_curves(curves: dict[str, list[list[float]]], base_rate: float) -> list[Curve]:
    """Return the ROC, precision-recall and calibration curves of a model's manifest, those that it has.

    A calibration point is mean forecast, frequency and rows; newer manifests add the ends of the frequency's interval.
    """
    diagonal, always = (0.0, 0.0, 1.0, 1.0), (0.0, base_rate, 1.0, base_rate)
    axes = {
        "roc": ("ROC", Axes("false positives", "true positives", diagonal, "random guessing")),
        "precision_recall": ("Precision and recall", Axes("recall", "precision", always, "always predicting yes")),
    }
    drawn = [draw_curve(title, curves[name], of_it) for name, (title, of_it) in axes.items() if curves.get(name)]
    if curves.get("calibration"):
        points = curves["calibration"]
        ends = [(point[0], point[3], point[4]) for point in points if len(point) > 4]
        calibrated = Axes("forecast", "frequency", diagonal, "perfectly calibrated")
        drawn.append(
            draw_curve("Calibration", points, calibrated, marks=[(point[0], point[1]) for point in points], ends=ends)
        )
    return drawn


def draw_curve(
    title: str,
    points: Sequence[Sequence[float]],
    axes: Axes,
    *,
    marks: Sequence[tuple[float, float]] = (),
    ends: Sequence[tuple[float, float, float]] = (),
) -> Curve:
    """Return the curve of points whose first two values are x and y; `ends` are x, lowest and highest y of marks."""

    def scaled(x: float, y: float) -> tuple[float, float]:
        return x * CURVE_SIDE, (1 - y / axes.y_end) * CURVE_SIDE

    step = max(len(points) // 4, 1)
    some_points = ", ".join(f"{point[0]:.2f} → {point[1]:.2f}" for point in list(points)[::step])
    x1, y1, x2, y2 = axes.baseline
    return Curve(
        title=title,
        x_name=axes.x_name,
        y_name=axes.y_name,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in (scaled(*point[:2]) for point in points)),
        baseline=(*scaled(x1, y1), *scaled(x2, y2)),
        sentence=f"{axes.x_name} → {axes.y_name}: {some_points}; dashed: {axes.baseline_means}",
        marks=[scaled(*mark) for mark in marks],
        whiskers=[(scaled(x, low)[0], scaled(x, low)[1], scaled(x, high)[1]) for x, low, high in ends],
        y_end=f"{axes.y_end:.2g}",
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
