# waybill: sample
"""The short form of `python -m tests.crash.erasing`, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.crash.erasing.__main__ import WRONG
from tests.crash.erasing.rounds import run_rounds

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]


def test_an_erase_that_was_killed_is_completed() -> None:
    totals = run_rounds(3, seed=2026)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["kills during an erase"] >= 3  # the first of each round
