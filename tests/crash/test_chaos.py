"""The short form of `make chaos`, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.crash.chaos_rounds import WRONG, run_rounds
from tests.crash.faults import FAULTS

pytestmark = pytest.mark.server


def test_consuming_under_faults_loses_and_doubles_nothing() -> None:
    totals = run_rounds(2, seed=2025)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["rounds"] == 2
    assert sum(totals[name] for name in FAULTS) >= 2
    assert totals["messages"] > 4_000
    assert totals["rejected"] >= 10
