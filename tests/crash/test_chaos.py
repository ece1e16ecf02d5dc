"""A seeded share of `make chaos`."""

from __future__ import annotations

import pytest

from tests.crash.chaos_rounds import WRONG, run_rounds
from tests.crash.faults import FAULTS

pytestmark = pytest.mark.server


def test_consuming_under_faults_loses_and_doubles_nothing() -> None:
    found = run_rounds(2, seed=2025)
    assert {name: found[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert found["rounds"] == 2
    assert sum(found[name] for name in FAULTS) >= 2
    assert found["messages"] > 4_000
    assert found["rejected"] >= 10
