"""The short form of `make chaos`, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.crash.chaos_rounds import AT_WORK, WRONG, faults_of_rounds, run_rounds
from tests.crash.faults import FAULTS

pytestmark = pytest.mark.server


def test_consuming_under_faults_loses_and_doubles_nothing() -> None:
    totals = run_rounds(4, seed=2025)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["rounds"] == 4
    assert [name for name in FAULTS if not totals[name]] == []
    assert totals[AT_WORK] >= 4
    assert totals["messages"] > 8_000
    assert totals["rejected"] >= 20


def test_each_kind_of_fault_is_drawn_before_any_is_drawn_again() -> None:
    for rounds in (1, 4, 10, 50):
        drawn = [name for faults in faults_of_rounds(rounds, seed=rounds) for name in faults]
        counts = [drawn.count(name) for name in FAULTS]
        assert min(counts) >= 1 and max(counts) - min(counts) <= 1
