"""The threshold costs least on the rows that it is chosen on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.measuring.declaration import Cost
from ml.measuring.threshold import choose_threshold, cost_curve, costs_at

ROWS = st.lists(
    st.tuples(st.booleans(), st.floats(0.001, 0.999).map(lambda one: round(one, 3))), min_size=1, max_size=40
)
COSTS = st.builds(Cost, false_positive=st.floats(0.1, 20), false_negative=st.floats(0.1, 20))


def paid(labels: list[bool], probabilities: list[float], threshold: float, cost: Cost) -> float:
    """Return what the rows cost, counted one by one."""
    prices = {(False, True): cost.false_positive, (True, False): cost.false_negative}
    return sum(prices.get((label, one >= threshold), 0.0) for label, one in zip(labels, probabilities, strict=True))


@given(ROWS, COSTS)
def test_no_other_threshold_costs_less(rows: list[tuple[bool, float]], cost: Cost) -> None:
    labels, probabilities = zip(*rows, strict=True)
    chosen = choose_threshold(np.array(labels, dtype=int), np.array(probabilities), cost)
    assert 0 < chosen < 1
    least = min(paid(labels, probabilities, one / 1000 + 0.0005, cost) for one in range(1000))  # type: ignore[arg-type]
    assert paid(labels, probabilities, chosen, cost) == pytest.approx(least)  # type: ignore[arg-type]


@given(ROWS, COSTS, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_costs_are_those_of_the_rows_one_by_one(
    rows: list[tuple[bool, float]], cost: Cost, thresholds: list[float]
) -> None:
    labels, probabilities = zip(*rows, strict=True)
    found = costs_at(np.array(labels, dtype=int), np.array(probabilities), np.array(thresholds), cost)
    expected = [paid(labels, probabilities, one, cost) / len(rows) for one in thresholds]  # type: ignore[arg-type]
    assert found == pytest.approx(expected)


def test_dear_misses_lower_the_threshold() -> None:
    random = np.random.default_rng(1)
    probability = random.random(50_000)
    labels = (random.random(50_000) < probability).astype(int)
    for misses, expected in ((1, 0.5), (3, 0.25), (9, 0.1)):
        cost = Cost(false_positive=1, false_negative=misses)
        assert choose_threshold(labels, probability, cost) == pytest.approx(expected, abs=0.05)
    points = cost_curve(labels, probability, Cost(false_positive=1, false_negative=3))
    assert (points[0], points[-1][0]) == ([0.0, pytest.approx(1 - labels.mean(), abs=1e-5)], 1.0)
    assert min(points, key=lambda point: point[1])[0] == pytest.approx(0.25, abs=0.05)
