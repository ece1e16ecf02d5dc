"""A stage that costs a fifth more than the median of similar runs is reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from expectations.successes import CheckpointResult
from pipeline.consumption.energy import Energy
from pipeline.consumption.history import Work, record_use
from pipeline.consumption.meter import Use
from pipeline.stages import WORK

ENERGY = Energy(10.0, 1.0, "estimate", {"busy_watts": 3.5, "idle_watts": 0.74, "grid_grams_per_kwh": 473})
USE = Use(10.0, 5.0, 500_000_000, 400_000_000, 0, 0, ENERGY, [])
NOW = datetime(2013, 1, 1, tzinfo=UTC)


def record_uses(*uses: Use, rows: int = 1000, first: datetime = NOW) -> list[list[str]]:
    """Record uses of the stage dbt, a minute apart; return the lines that each of them caused."""
    minutes = range(len(uses))
    return [
        record_use(Work("stage", "dbt", first + timedelta(minutes=n), rows, "succeeded"), use)
        for n, use in zip(minutes, uses, strict=True)
    ]


def test_a_fifth_more_than_the_median_is_reported(database: str) -> None:
    output = record_uses(
        *[USE] * 9, replace(USE, cpu_seconds=50.0), replace(USE, cpu_seconds=5.9), replace(USE, cpu_seconds=6.1)
    )
    assert output[:9] == [[]] * 9
    assert output[10] == []
    assert output[11] == [
        "more than usual: dbt used 6.1 s of CPU, 22 % more than 5.0, the median of the last 10 similar runs"
    ]
    assert record_uses(replace(USE, peak_bytes=700_000_000), first=NOW + timedelta(days=1)) == [
        ["more than usual: dbt held 700.0 MB of memory, 40 % more than 500.0, the median of the last 10 similar runs"]
    ]


def test_only_similar_runs_are_compared_and_trifles_ignored(database: str) -> None:
    record_uses(*[USE] * 5)
    dear = replace(USE, wall_seconds=100.0)
    assert record_uses(dear, rows=1200, first=NOW + timedelta(days=1)) == [[]]  # another amount of work
    assert len(record_uses(dear, rows=1050, first=NOW + timedelta(days=2))[0]) == 1
    small = replace(USE, wall_seconds=0.1, cpu_seconds=0.1, peak_bytes=50_000_000)
    doubled = replace(USE, wall_seconds=0.2, cpu_seconds=0.2, peak_bytes=100_000_000)
    assert record_uses(*[small] * 5, doubled, rows=5, first=NOW + timedelta(days=3))[-1] == []


def test_runs_with_nothing_to_do_are_not_compared_with(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = CheckpointResult("raw", True, 1000, 39, "39 of 39 expectations held over 1,000 rows")
    nothing = [(replace(held, is_unchanged=True), replace(USE, wall_seconds=0.1, cpu_seconds=0.1))] * 10
    output = []
    for minute, (outcome, use) in enumerate([*nothing, *[(held, USE)] * 4, *nothing, *[(held, USE)] * 4]):
        monkeypatch.setattr("expectations.checkpoints.run_checkpoint", lambda *_, found=outcome, **__: found)
        checked = WORK["check-raw"]()
        work = Work("stage", "check-raw", NOW + timedelta(minutes=minute), checked.rows, "succeeded")
        output += record_use(work, use)
    assert output == []
    work = Work("stage", "check-raw", NOW + timedelta(days=1), held.rows, "succeeded")
    assert record_use(work, replace(USE, cpu_seconds=9.0)) == [
        "more than usual: check-raw used 9.0 s of CPU, 80 % more than 5.0, the median of the last 8 similar runs"
    ]
