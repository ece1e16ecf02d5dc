"""The short form of `make crash`, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.crash.__main__ import WRONG
from tests.crash.rounds import run_rounds

pytestmark = pytest.mark.server


def test_kill_9_loses_and_doubles_nothing() -> None:
    totals = run_rounds(4, seed=2013)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["kills"] >= 4
