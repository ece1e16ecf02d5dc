"""Histograms of a feature or a score: bins that the manifest can hold, since no value of a single row is in them.

A number has edges: quantiles rounded to four digits, moved between two values if that is a value of few rows; and two
edges around each value that many rows share, so that ties, spikes at zero, constants and booleans have their own bins.
A category has its most frequent values; the others are one bin. PostgreSQL's `width_bucket` and numpy's `searchsorted`
put a number into the same bin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ml.drift.edges import around, beside_rare_values, rounded

BINS = 10  # of the numbers that are not in spikes
MIN_ROWS = 20  # that share a value before the manifest names it
MIN_SPIKE = 0.05  # share of the rows from which a number has its own bin
MAX_VALUES = 50  # categories that are counted by name
NUMBER, CATEGORY = "number", "category"
DIGITS = 4  # of an edge that is not around a spike


@dataclass(frozen=True)
class Bins:
    """The bins of one column: `edges` of a number, ascending, or the named `values` of a category.

    Bin 0 of a number is below the first edge, bin i from edge i on. Bin i of a category is its value i, counted from 1;
    bin 0 holds all other values.
    """

    kind: str
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """How many bins there are."""
        return len(self.edges if self.kind == NUMBER else self.values) + 1


@dataclass(frozen=True)
class Histogram:
    """How many rows each bin has, and how many have no value.

    Of numbers, `scale` is the mean and `spread` the standard deviation of the logarithms of the sizes of those that are
    not zero (`nonzero`): a change of unit moves the scale by the logarithm of the factor.
    """

    bins: Bins
    counts: tuple[int, ...]
    missing: int
    nonzero: int = 0
    scale: float = 0.0
    spread: float = 0.0

    @property
    def present(self) -> int:
        """The number of rows with a value."""
        return sum(self.counts)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.present + self.missing

    def as_json(self) -> dict[str, Any]:
        """Return what the manifest holds."""
        found: dict[str, Any] = {"kind": self.bins.kind, "counts": list(self.counts), "missing": self.missing}
        if self.bins.kind == CATEGORY:
            return {**found, "values": list(self.bins.values)}
        enough = {"nonzero": self.nonzero, "scale": round(self.scale, 4), "spread": round(self.spread, 4)}
        return {**found, "edges": list(self.bins.edges), **(enough if self.nonzero >= MIN_ROWS else {})}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Histogram:
        """Return the histogram that a manifest holds."""
        bins = Bins(held["kind"], tuple(held.get("edges", ())), tuple(held.get("values", ())))
        scale = (held.get("nonzero", 0), held.get("scale", 0.0), held.get("spread", 0.0))
        return cls(bins, tuple(held["counts"]), held["missing"], *scale)


def number_bins(values: Any) -> Bins:
    """Return the bins of an array of numbers, of which NaN is missing."""
    import numpy as np

    ordered = np.sort(values[~np.isnan(values)]).astype("float64")
    if not len(ordered):
        return Bins(NUMBER)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    lengths = np.diff(np.append(starts, len(ordered)))
    is_spike = lengths >= max(MIN_SPIKE * len(ordered), MIN_ROWS)
    spikes = ordered[starts[is_spike]]
    rest = ordered[~np.repeat(is_spike, lengths)]
    edges = [edge for spike in spikes for edge in around(float(spike))]
    if len(rest) >= MIN_ROWS:
        quantiles = np.quantile(rest, np.arange(1, BINS) / BINS)
        apart = [beside_rare_values(rounded(one, DIGITS), ordered, MIN_ROWS) for one in quantiles]
        windows = [around(float(spike)) for spike in spikes]
        edges += [one for one in apart if one is not None and not any(low <= one <= high for low, high in windows)]
    return Bins(NUMBER, tuple(sorted(set(edges))))


def category_bins(values: Any) -> Bins:
    """Return the bins of a pandas series of texts: its most frequent values, each of at least MIN_ROWS rows."""
    counts = values.value_counts()
    frequent = sorted(((-int(count), str(value)) for value, count in counts.items() if count >= MIN_ROWS))
    return Bins(CATEGORY, values=tuple(value for _, value in frequent[:MAX_VALUES]))


def place(bins: Bins, values: Any) -> Any:
    """Return the bin of each row of a pandas series; a missing value has the number of bins."""
    import numpy as np

    if bins.kind == NUMBER:
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        return np.where(np.isnan(numbers), bins.number, np.searchsorted(bins.edges, numbers, side="right"))
    known = {value: place for place, value in enumerate(bins.values, start=1)}
    categories = values.astype("category")
    of_category = np.array([known.get(str(one), 0) for one in categories.cat.categories] + [bins.number])
    return of_category[categories.cat.codes.to_numpy()]


def count(bins: Bins, values: Any, parts: Any, number_of_parts: int) -> list[Histogram]:
    """Return the histogram of each part of a pandas series; `parts` holds the part of each row."""
    import numpy as np

    width = bins.number + 1
    placed = np.bincount(parts * width + place(bins, values), minlength=number_of_parts * width)
    scales = _scales(values, parts, number_of_parts) if bins.kind == NUMBER else [(0, 0.0, 0.0)] * number_of_parts
    return [
        Histogram(bins, tuple(int(one) for one in row[:-1]), int(row[-1]), *scale)
        for row, scale in zip(placed.reshape(number_of_parts, width), scales, strict=True)
    ]


def merge(parts: list[Histogram]) -> Histogram:
    """Return the histogram of all parts together."""
    whole = parts[0]
    for part in parts[1:]:
        whole = _combine(whole, part, 1)
    return whole


def without(whole: Histogram, part: Histogram) -> Histogram:
    """Return the histogram of all rows but those of a part."""
    return _combine(whole, part, -1)


def _combine(one: Histogram, other: Histogram, sign: int) -> Histogram:
    """Return the histogram of two groups of rows together, or of the first without the second if `sign` is -1."""
    counts = tuple(first + sign * second for first, second in zip(one.counts, other.counts, strict=True))
    nonzero = one.nonzero + sign * other.nonzero
    scale = (one.nonzero * one.scale + sign * other.nonzero * other.scale) / max(nonzero, 1)
    squares = one.nonzero * (one.spread**2 + one.scale**2) + sign * other.nonzero * (other.spread**2 + other.scale**2)
    spread = math.sqrt(max(squares / max(nonzero, 1) - scale**2, 0.0))
    return Histogram(one.bins, counts, one.missing + sign * other.missing, nonzero, scale, spread)


def _scales(values: Any, parts: Any, number_of_parts: int) -> list[tuple[int, float, float]]:
    """Return of each part how many numbers are not zero, and mean and standard deviation of their sizes' logarithms."""
    import numpy as np

    sizes = np.abs(values.to_numpy(dtype="float64", na_value=np.nan))
    is_nonzero = sizes > 0
    logarithms, of_part = np.log(sizes[is_nonzero]), parts[is_nonzero]
    rows = np.bincount(of_part, minlength=number_of_parts)
    some = np.maximum(rows, 1)
    means = np.bincount(of_part, weights=logarithms, minlength=number_of_parts) / some
    squares = np.bincount(of_part, weights=logarithms**2, minlength=number_of_parts) / some
    spreads = np.sqrt(np.maximum(squares - means**2, 0))
    return [(int(row), float(mean), float(spread)) for row, mean, spread in zip(rows, means, spreads, strict=True)]
