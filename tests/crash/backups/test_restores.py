"""The short form of the kills in `make long`, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.crash.backups.restores import WRONG, run_restore_rounds

pytestmark = pytest.mark.server


def test_a_killed_restore_is_completed_by_the_same_command() -> None:
    totals = run_restore_rounds(3, seed=6)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["kills during a restore"] == 3
