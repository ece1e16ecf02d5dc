"""Histograms of what a model learnt from: ties, spikes and rare values have their bins, and no row can be read in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.drift.change import compare
from ml.drift.histogram import (
    MAX_VALUES,
    MIN_ROWS,
    Bins,
    Histogram,
    category_bins,
    count,
    merge,
    number_bins,
    place,
    without,
)
from ml.drift.limits import calibrate, divide, limits_for

RANDOM = np.random.default_rng(7)


def histogram(values: Any, bins: Bins | None = None) -> Histogram:
    series = pd.Series(values)
    if bins is None:
        is_number = pd.api.types.is_numeric_dtype(series)
        bins = number_bins(series.to_numpy(dtype="float64")) if is_number else category_bins(series)
    return count(bins, series, np.zeros(len(series), dtype=int), 1)[0]


def changed(now: Any, then: Any) -> list[str]:
    """Return the measures that raise an alarm, of rows that have no time."""
    series = pd.Series(then)
    whole = histogram(then)
    parts = divide(len(series), None)
    found = histogram(now, whole.bins)
    limits = calibrate(count(whole.bins, series, parts.of_row, parts.number))
    return compare(found, whole).exceeded(limits_for(limits, found, whole))


def test_a_spike_at_zero_has_its_own_bin() -> None:
    found = histogram([0.0] * 700 + list(np.linspace(1, 9, 300)))
    assert 700 in found.counts
    assert sum(found.counts) == 1000 and max(sorted(found.counts)[:-1]) <= 35


@pytest.mark.parametrize("values", [[5.0] * 100, [True, False] * 50, [0.1] * 50 + [0.3] * 50, [1, 2, 3, 4] * 30])
def test_constants_booleans_and_ties_have_a_bin_for_each_value(values: list[float]) -> None:
    found = histogram([float(value) for value in values])
    in_use = [one for one in found.counts if one]
    assert in_use == [values.count(value) for value in sorted(set(values))]
    as_float32 = histogram(np.array(values, dtype="float32"), found.bins)
    assert as_float32.counts == found.counts


def test_a_column_without_a_value_has_one_bin() -> None:
    found = histogram([math.nan] * 50)
    assert (found.counts, found.missing, found.present) == ((0,), 50, 0)
    assert compare(histogram([1.0] * 50, found.bins), found).missing == -1
    assert compare(histogram([], found.bins), found).psi is None


def test_rare_categories_are_counted_as_others() -> None:
    values = ["pizza"] * 500 + ["soup"] * MIN_ROWS + ["Ms Fox"] * (MIN_ROWS - 1) + [None] * 7
    found = histogram(pd.Series(values, dtype=object))
    assert found.bins.values == ("pizza", "soup")
    assert found.counts == (MIN_ROWS - 1, 500, MIN_ROWS)
    assert found.missing == 7
    many = histogram(pd.Series([f"cafe {n}" for n in range(80)] * 30, dtype=object))
    assert len(many.bins.values) == MAX_VALUES


NUMBERS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "whole": lambda random, rows: random.integers(0, 10_000, rows),
    "dense": lambda random, rows: random.integers(-60, 60, rows),
    "large": lambda random, rows: random.integers(10**8, 10**8 + 500, rows),
    "prices": lambda random, rows: random.integers(0, 100_000, rows) / 100,
    "shares": lambda random, rows: random.integers(0, 1_000, rows) / 1_000,
    "precise": lambda random, rows: random.normal(size=rows) * 10.0 ** random.integers(-9, 9, rows),
    "mixed": lambda random, rows: np.where(random.random(rows) < 0.5, 0, random.integers(1, 300, rows) / 10),
}


def rare_edges(values: Any, bins: Bins) -> list[float]:
    """Return the edges that are the value of a row, but of fewer rows than the manifest may name."""
    as_read = values.astype("float32").astype("float64")
    found = [edge for edge in bins.edges if (values == edge).any() or (as_read == edge).any()]
    return [edge for edge in found if (as_read == float(np.float32(edge))).sum() < MIN_ROWS]


@pytest.mark.parametrize("kind", NUMBERS)
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3000), st.integers(1, 25))
def test_no_edge_is_a_value_of_fewer_rows_than_stated(kind: str, seed: int, rows: int, times: int) -> None:
    random = np.random.default_rng(seed)
    values = NUMBERS[kind](random, rows).astype("float64")
    values = np.concatenate([values, np.repeat(values[: rows // 2], times - 1)])
    assert rare_edges(values, number_bins(values)) == []
    assert rare_edges(values, number_bins(values.astype("float32"))) == []


def test_edges_beside_rare_values_still_divide_the_rows_evenly() -> None:
    values = RANDOM.choice(10_000, 181, replace=False).astype(float)
    found = histogram(values)
    assert rare_edges(values, found.bins) == []
    assert len(found.counts) == 10 and max(found.counts) - min(found.counts) <= 2


def test_an_edge_may_be_a_value_of_many_rows() -> None:
    hours = np.repeat(np.arange(24.0), MIN_ROWS)
    assert {2.0, 7.0, 16.0} <= set(histogram(hours).bins.edges)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 0.1, -2.5, 7.25, math.nan]), min_size=1, max_size=400), st.integers(1, 5))
def test_parts_add_up_to_the_whole(values: list[float], number: int) -> None:
    series = pd.Series(values, dtype="float64")
    bins = number_bins(series.to_numpy())
    parts = count(bins, series, np.arange(len(series)) % number, number)
    whole = histogram(values, bins)
    assert merge(parts).counts == whole.counts and merge(parts).missing == whole.missing
    assert merge(parts).scale == pytest.approx(whole.scale) and merge(parts).spread == pytest.approx(whole.spread)
    assert without(merge(parts), parts[0]).rows == whole.rows - parts[0].rows
    assert place(bins, series).max() <= bins.number


def test_a_histogram_comes_back_from_the_manifest() -> None:
    for found in (
        histogram([0.0] * 50 + [1.5, math.nan] * 30),
        histogram(pd.Series(["a"] * 30 + [None], dtype=object)),
    ):
        back = Histogram.from_json(found.as_json())
        assert (back.bins, back.counts, back.missing) == (found.bins, found.counts, found.missing)
        assert back.scale == pytest.approx(found.scale, abs=1e-4)


def test_planted_shifts_are_found_by_their_measure() -> None:
    then, now = RANDOM.normal(50, 10, 8000), RANDOM.normal(50, 10, 4000)
    assert changed(now, then) == []
    assert changed(now + 2.5, then) == ["psi"]
    assert "scale" in changed(now * 60, then) and "scale" in changed(now * 1.609, then)
    assert changed(np.where(np.arange(4000) % 20 == 0, np.nan, now), then) == ["missing"]
    shops, others = (pd.Series(RANDOM.choice(["NE", "SW", "N"], n).astype(object)) for n in (8000, 4000))
    assert changed(others, shops) == []
    assert "new" in changed(others.mask(others.index % 50 == 0, "fusion"), shops)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([150, 600, 3000]), st.sampled_from(["normal", "zeros", "few", "heavy"]))
def test_resampled_rows_raise_no_alarm(seed: int, rows: int, form: str) -> None:
    random = np.random.default_rng(seed)
    population = {
        "normal": random.normal(size=5000),
        "zeros": np.where(random.random(5000) < 0.9, 0, random.exponential(size=5000)),
        "few": random.integers(0, 4, 5000).astype(float),
        "heavy": random.lognormal(0, 2, 5000),
    }[form]
    population = np.where(random.random(5000) < 0.1, np.nan, population)
    assert changed(random.choice(population, rows), random.choice(population, 4000)) == []
    categories = pd.Series(population).round().astype(str).to_numpy().astype(object)
    assert changed(random.choice(categories, rows), random.choice(categories, 4000)) == []


def test_consecutive_parts_are_within_their_limits() -> None:
    days = np.arange(12_000) // 40
    moving = pd.Series(RANDOM.normal(size=12_000) + days / 60)
    parts = divide(len(days), days)
    assert (parts.unit, parts.days, parts.number) == ("months", 30, 10)
    histograms = count(number_bins(moving.to_numpy()), moving, parts.of_row, parts.number)
    limits = calibrate(histograms)
    assert limits.psi is not None and limits.psi > 0.1
    for then, now in pairwise(histograms):
        assert compare(now, then).exceeded(limits_for(limits, now, then)) == []


@pytest.mark.parametrize(("days", "unit"), [(300, "months"), (40, "weeks"), (6, "days"), (2, "random parts")])
def test_limits_are_calibrated_on_the_longest_periods_there_are(days: int, unit: str) -> None:
    assert divide(6000, np.arange(6000) * days // 6000).unit == unit
