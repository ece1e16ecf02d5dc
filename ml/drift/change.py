"""Measures how one histogram differs from another, and how large a difference chance alone makes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cache

from ml.drift.histogram import CATEGORY, MIN_ROWS, Histogram

SMOOTHING = 0.5  # rows added to each bin, so that an empty one has a logarithm
CHANCE = 1e-4  # of an alarm on one column by one measure if nothing has changed
DEVIATIONS = 3.9  # of the normal distribution, for the same chance on both sides


@dataclass(frozen=True)
class Change:
    """How a column differs from its reference; None where a measure does not apply.

    `psi` is the population stability index over the bins of the rows with a value. `missing` is how much the share of
    missing values has changed. `new` is how much the share of values that the reference does not name has grown.
    `scale` is the logarithm of the factor by which numbers have grown, as by a change of unit.
    """

    psi: float | None = None
    missing: float | None = None
    new: float | None = None
    scale: float | None = None

    def exceeded(self, limits: Change) -> list[str]:
        """Return the measures that are beyond their limits."""
        pairs = ((name, value, getattr(limits, name)) for name, value in asdict(self).items())
        return [name for name, value, limit in pairs if value is not None and limit is not None and abs(value) > limit]


def compare(now: Histogram, then: Histogram) -> Change:
    """Return how a histogram differs from its reference, which has the same bins."""
    if not now.rows or not then.rows:
        return Change()
    missing = now.missing / now.rows - then.missing / then.rows
    if not now.present or not then.present:
        return Change(missing=missing)
    is_category = then.bins.kind == CATEGORY
    has_scale = min(now.nonzero, then.nonzero) >= MIN_ROWS
    return Change(
        psi=_stability(now, then),
        missing=missing,
        new=max(_unnamed(now) - _unnamed(then), 0.0) if is_category else None,
        scale=now.scale - then.scale if has_scale else None,
    )


def by_chance(now: Histogram, then: Histogram) -> Change:
    """Return how far two samples of so many rows of the same population differ with a probability of CHANCE.

    PSI times nm/(n+m) follows a chi-square distribution with a degree of freedom fewer than there are bins (Yurdakul
    2018, "Statistical properties of population stability index"); shares and means are about normal.
    """
    if not now.rows or not then.rows:
        return Change()
    pooled = (now.missing + then.missing) / (now.rows + then.rows)
    missing = DEVIATIONS * math.sqrt(pooled * (1 - pooled) * _inverse(now.rows, then.rows))
    if not now.present or not then.present:
        return Change(missing=missing)
    inverse = _inverse(now.present, then.present)
    unnamed = (now.counts[0] + then.counts[0]) / (now.present + then.present)
    spread = max(now.spread, then.spread)
    return Change(
        psi=_chi_square(max(_used_bins(now, then) - 1, 1)) * inverse,
        missing=missing,
        new=DEVIATIONS * math.sqrt(unnamed * (1 - unnamed) * inverse),
        scale=DEVIATIONS * spread * math.sqrt(_inverse(max(now.nonzero, 1), max(then.nonzero, 1))),
    )


def _stability(now: Histogram, then: Histogram) -> float:
    """Return the population stability index: the sum over bins of (p - q) ln(p / q)."""
    added = SMOOTHING * then.bins.number
    total = 0.0
    for one, other in zip(now.counts, then.counts, strict=True):
        share, before = (one + SMOOTHING) / (now.present + added), (other + SMOOTHING) / (then.present + added)
        total += (share - before) * math.log(share / before)
    return total


def _unnamed(histogram: Histogram) -> float:
    return histogram.counts[0] / histogram.present


def _used_bins(now: Histogram, then: Histogram) -> int:
    return sum(one > 0 or other > 0 for one, other in zip(now.counts, then.counts, strict=True))


def _inverse(rows: int, others: int) -> float:
    return 1 / rows + 1 / others


@cache
def _chi_square(degrees: int) -> float:
    from scipy.special import chdtri  # scipy.stats takes a second to import

    return float(chdtri(degrees, CHANCE))
