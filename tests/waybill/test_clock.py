"""A clock that is wrong: identifiers stay unique, and a command says what to do."""

from __future__ import annotations

import time

import click
import pytest

from waybill import cli, ctrl_c
from waybill.identifiers import uuid7

YEAR = 365 * 86_400


@pytest.mark.parametrize("seconds", [-(10**10), -1, 0, 1, 2**31, 2**33, 10**12])
def test_identifiers_are_unique_at_any_time(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: seconds * 10**9)
    made = [uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {found.version for found in made} == {7}


def test_identifiers_are_ordered_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for seconds in (0, 1, YEAR, 50 * YEAR, 500 * YEAR):
        monkeypatch.setattr(time, "time_ns", lambda seconds=seconds: seconds * 10**9)
        made.append(uuid7())
    assert made == sorted(made)


def test_identifiers_made_a_microsecond_apart_are_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for microseconds in range(3000):
        monkeypatch.setattr(time, "time_ns", lambda at=microseconds: YEAR * 10**9 + at * 1000)
        made.append(uuid7())
    assert made == sorted(made)


def test_a_clock_before_1970_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(time, "time", lambda: -200_000_000.0)
    monkeypatch.setattr(time, "strftime", lambda form: "1963-08-31")
    monkeypatch.setattr(ctrl_c, "raise_interrupts", lambda: None)
    assert cli._exit_code(click.Command("any"), "any", False) == 1
    assert "error: the clock says 1963-08-31, before 1970: set it and run this again" in capsys.readouterr().err
