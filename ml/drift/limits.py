"""Calibrates how far each column may differ before it is an alarm, on parts of the rows that a model learnt from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from ml.drift.change import Change, by_chance, compare
from ml.drift.histogram import Histogram, merge, without

FLOOR = Change(psi=0.02, missing=0.02, new=0.005, scale=math.log(1.4))  # no limit is below; see docs/tasks.md
MARGIN = 1.25  # times the largest change among the parts
MIN_PART_ROWS = 100
PERIODS = {"months": 30, "weeks": 7, "days": 1}  # with their length in days
MIN_PARTS = 4
RANDOM_PARTS = 8


@dataclass(frozen=True)
class Parts:
    """How rows are divided to calibrate limits: the part of each row, -1 for none, and what the parts are.

    `days` is the length of a part; None if the parts are not periods of time.
    """

    of_row: Any
    number: int
    unit: str
    days: int | None


def divide(rows: int, days: Any | None) -> Parts:
    """Divide rows into consecutive months, weeks or days, whichever first make MIN_PARTS parts; else at random.

    `days` holds the day of each row since 1970, None for a task without a time. Parts of fewer than MIN_PART_ROWS rows
    are left out. The random parts are the same in every call.
    """
    import numpy as np

    for unit, length in PERIODS.items() if days is not None else ():
        _, codes = np.unique(_period(np.asarray(days), unit), return_inverse=True)
        enough = np.bincount(codes) >= MIN_PART_ROWS
        if enough.sum() >= MIN_PARTS:
            numbers = np.where(enough, np.cumsum(enough) - 1, -1)
            return Parts(numbers[codes], int(enough.sum()), unit, length)
    number = max(min(RANDOM_PARTS, rows // MIN_PART_ROWS), 1)
    return Parts(np.random.default_rng(0).permutation(rows) % number, number, "random parts", None)


def _period(days: Any, unit: str) -> Any:
    """Return a number for the month, the week from Monday on, or the day of each day since 1970."""
    if unit == "months":
        return days.astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    return (days.astype("int64") + 3) // 7 if unit == "weeks" else days


def calibrate(parts: list[Histogram]) -> Change:
    """Return the limits of a column: the largest change of a part, from the one before or the others, or the floor.

    Consecutive parts show how fast a column moves, and a part beside all others how far: later rows are compared with
    all parts. What chance alone makes of a change is taken off, since `limits_for` adds it for the number of rows that
    it is given; so every pair of parts is within its limits.
    """
    found = asdict(FLOOR)
    whole = merge(parts)
    others = [(without(whole, part), part) for part in parts]
    for then, now in [*pairwise(parts), *others]:
        chance = asdict(by_chance(now, then))
        for name, value in asdict(compare(now, then)).items():
            if value is not None:
                found[name] = max(found[name], MARGIN * (abs(value) - chance[name]))
    return Change(**{name: round(value, 4) for name, value in found.items()})


def limits_for(limits: Change, now: Histogram, then: Histogram, stretch: float = 1.0) -> Change:
    """Return the limits for a comparison of so many rows: chance is added.

    `stretch` is how many times longer than the rows' period a part is, at least 1: the mean of few days varies more
    than that of many, and its square, which PSI measures, in proportion.
    """
    chance = asdict(by_chance(now, then))
    factors = {"psi": stretch, "missing": math.sqrt(stretch), "new": math.sqrt(stretch), "scale": math.sqrt(stretch)}
    return Change(
        **{
            name: None if chance[name] is None else limit * factors[name] + chance[name]
            for name, limit in asdict(limits).items()
        }
    )
