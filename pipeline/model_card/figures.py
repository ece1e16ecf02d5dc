"""Figures with their intervals, and the tables of them that the model card shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

PICTURE_WIDTH, PICTURE_MARGIN = 140, 6


@dataclass(frozen=True)
class Figure:
    """A measured value, with the ends of its 95 % interval if it has one; a difference is shown with its sign."""

    value: float | None
    low: float | None = None
    high: float | None = None
    is_difference: bool = False

    @property
    def shown(self) -> str:
        """The value, a dash if there is none."""
        return "–" if self.value is None else self._spelled(self.value, 4)

    @property
    def shown_interval(self) -> str:
        """The ends of the interval, empty if there is none."""
        if self.low is None or self.high is None:
            return ""
        digits = 4 if self.is_difference else 3
        return f"{self._spelled(self.low, digits)} to {self._spelled(self.high, digits)}"

    def _spelled(self, value: float, digits: int) -> str:
        text = f"{value:{'+' if self.is_difference else ''}.{digits}f}"
        return text.replace("-", "−") if float(text) else text.lstrip("+-")  # no sign before zero


@dataclass(frozen=True)
class IntervalPicture:
    """The positions of a value and its interval on the scale of its table, and of the value to compare with."""

    low: float
    value: float
    high: float
    reference: float | None


@dataclass(frozen=True)
class FigureRow:
    """One row of a table: plain cells, then figures; `note` is a remark about its name, `warning` a bad one."""

    name: str
    figures: list[Figure]
    cells: list[str] = field(default_factory=list)
    note: str = ""
    warning: str = ""
    picture: IntervalPicture | None = None


@dataclass(frozen=True)
class FigureTable:
    """Rows of plain cells, then figures; `of_rows` is what a row is. The first figures are drawn on a common scale."""

    title: str
    caption: str
    of_rows: str
    cell_columns: list[str]
    figure_columns: list[str]
    rows: list[FigureRow]

    @property
    def is_drawn(self) -> bool:
        """True if a row has a picture."""
        return any(row.picture for row in self.rows)

    def beginning(self, rows: int) -> FigureTable:
        """The table of the first rows."""
        return replace(self, rows=self.rows[:rows])

    def rest(self, rows: int) -> FigureTable:
        """The table without the first rows."""
        return replace(self, title=f"{self.title}: the others", caption="", rows=self.rows[rows:])


def figure_of(measured: Mapping[str, Any], name: str) -> Figure:
    """Return one figure of a manifest's metrics, with its interval under `intervals`; both may be absent."""
    low, high = measured.get("intervals", {}).get(name) or (None, None)
    return Figure(measured.get(name), low, high)


def draw_rows(
    rows: Sequence[FigureRow], reference: float | None = None, *, without: Collection[str] = ()
) -> list[FigureRow]:
    """Return the rows with pictures of their first figures on one scale, which includes the reference.

    A single value with nothing to compare it with has no picture, nor have the rows `without` one: far from all others,
    they would make the scale too coarse.
    """
    drawable = [row for row in rows if row.name not in without and row.figures and row.figures[0].value is not None]
    shown = [row.figures[0] for row in drawable]
    values = [one for figure in shown for one in (figure.low, figure.value, figure.high) if one is not None]
    values += [reference] if reference is not None else []
    if len(set(values)) < 2:
        return list(rows)
    lowest, span = min(values), max(values) - min(values)

    def scaled(value: float) -> float:
        return PICTURE_MARGIN + (value - lowest) / span * (PICTURE_WIDTH - 2 * PICTURE_MARGIN)

    return [
        replace(row, picture=_picture(row.figures[0], reference, scaled)) if row in drawable else row for row in rows
    ]


def _picture(figure: Figure, reference: float | None, scaled: Callable[[float], float]) -> IntervalPicture:
    value = figure.value or 0.0
    low, high = (value if end is None else end for end in (figure.low, figure.high))
    return IntervalPicture(
        scaled(low), scaled(value), scaled(high), scaled(reference) if reference is not None else None
    )
