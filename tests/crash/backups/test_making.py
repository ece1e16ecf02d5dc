"""The short form of the kills of backups in `make long`, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.crash.backups.making import WRONG, run_backup_rounds

pytestmark = pytest.mark.server


def test_a_killed_backup_is_completed_by_the_same_command() -> None:
    totals = run_backup_rounds(3, seed=7)
    assert {name: totals[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert totals["kills during a backup"] == 3
