"""The line about a whole run: what its stages used together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.consumption.display import sum_up
from warehouse.ledger import StageRun

START = datetime(2026, 1, 1, tzinfo=UTC)


def stage(name: str, begin: float, end: float, megabytes: int) -> StageRun:
    return StageRun(
        stage=name, started_at=START + timedelta(seconds=begin), wall_seconds=end - begin, parts=[],
        peak_bytes=megabytes * 1_000_000, cpu_seconds=1.0, energy_joules=0.0, co2_grams=0.0,
    )  # fmt: skip


def test_memory_of_stages_at_the_same_time_is_added() -> None:
    stages = [
        stage("dbt", 0, 9, 400),
        stage("train", 10, 20, 500),
        stage("export", 9.9, 13, 50),
        stage("docs", 13, 25, 70),
    ]
    assert "; 570 MB of memory at most" in sum_up([*stages, stage("score", 20, 24, 480)])
    assert "; 500 MB of memory at most" in sum_up(stages[:2])
