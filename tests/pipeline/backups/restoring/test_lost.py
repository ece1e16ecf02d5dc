"""A restore reports how long ago its backup was made, in the two largest units."""

from __future__ import annotations

import pytest

from pipeline.backups.restoring.lost import _span

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5.0, "0 s"),  # the clock was set back
        (0.9, "0 s"),
        (59.9, "59 s"),
        (MINUTE, "1 min 0 s"),
        (3 * HOUR + 12 * MINUTE + 7, "3 h 12 min"),
        (DAY - 1, "23 h 59 min"),
        (DAY + 5 * MINUTE, "1 d 0 h"),
        (400 * DAY + 7 * HOUR, "400 d 7 h"),
    ],
)
def test_a_span_is_in_its_two_largest_units(seconds: float, expected: str) -> None:
    assert _span(seconds) == expected
