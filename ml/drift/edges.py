"""Edges of the bins of a number that are not the value of a few rows."""

from __future__ import annotations

from typing import Any

# Relative: above the rounding of float32, so that a number is in the bin of its value in any type. Not round, so that
# an edge beside a large whole number is not another one.
SPIKE_WIDTH = 1.0723805294e-6
ZERO_WIDTH = 1e-30
MAX_DIGITS = 17  # that tell any two numbers of double precision apart


def beside_rare_values(edge: float, ordered: Any, min_rows: int) -> float | None:
    """Return an edge; if it is a value of fewer than `min_rows` of the rows, one in the nearest gap between two values.

    Numbers are compared as the 32-bit numbers that a model learns from. None if there is no gap that is wide enough.
    """
    import numpy as np

    values = ordered.astype("float32")
    first = int(np.searchsorted(values, np.float32(edge), side="left"))
    after = int(np.searchsorted(values, np.float32(edge), side="right"))
    if not 0 < after - first < min_rows:
        return edge
    sizes = np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    gaps = np.flatnonzero(np.diff(ordered) > np.maximum(sizes * SPIKE_WIDTH, ZERO_WIDTH))
    if not len(gaps):
        return None
    gap = gaps[np.argmin(np.abs(gaps - (first - 1)))]
    return _between(float(ordered[gap]), float(ordered[gap + 1]))


def _between(low: float, high: float) -> float:
    """Return the number with the fewest digits in the middle half between two others."""
    middle, quarter = low / 2 + high / 2, high / 4 - low / 4
    shorter = (rounded(middle, digits) for digits in range(1, MAX_DIGITS))
    return next((one for one in shorter if abs(one - middle) < quarter), middle)


def rounded(value: float, digits: int) -> float:
    """Return a number rounded to so many significant digits."""
    return float(f"{value:.{digits}g}")


def around(value: float) -> tuple[float, float]:
    """Return the edges of the bin that holds one value and nothing else."""
    width = abs(float(value)) * SPIKE_WIDTH or ZERO_WIDTH
    return float(value) - width, float(value) + width
