"""A seeded share of `make crash`."""

from __future__ import annotations

import pytest

from tests.crash.__main__ import WRONG
from tests.crash.rounds import run_rounds

pytestmark = pytest.mark.server


def test_kill_9_loses_and_doubles_nothing() -> None:
    found = run_rounds(4, seed=2013)
    assert {name: found[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert found["kills"] >= 4
