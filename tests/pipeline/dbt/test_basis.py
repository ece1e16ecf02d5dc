"""What a build depends on: queries that read the clock or chance, and when a source becomes stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from pipeline.dbt.basis import reads_unseen
from pipeline.dbt.last_build import LastBuild, _stale_from

NOW = datetime.now(UTC)


def node(compiled: str = "", raw: str = "", kind: str = "model") -> SimpleNamespace:
    return SimpleNamespace(resource_type=kind, compiled_code=compiled, raw_code=raw)


@pytest.mark.parametrize(
    "query",
    [
        "select now()", "select CURRENT_DATE - due_date from orders", "select clock_timestamp ()", "select 'today'::date",
        "select random()", "select gen_random_uuid()", "select * from predictions.delays", "select localtimestamp",
        "select age(born_at)", "select count(*) from ledger.runs", "select transaction_timestamp()",
    ],
)  # fmt: skip
def test_a_query_that_reads_the_clock_or_chance_is_found(query: str) -> None:
    assert reads_unseen([node("select 1"), node(query)])


@pytest.mark.parametrize("code", ["{{ run_started_at }}", "{{ modules.datetime.date.today() }}", "{{ invocation_id }}"])
def test_a_template_that_reads_the_clock_is_found(code: str) -> None:
    assert reads_unseen([node(raw=code)])


@pytest.mark.parametrize(
    "query",
    [
        "select known_at, now_at, mileage, current_dates from orders",
        "select batch_id from processed where processed.processed_at = transaction_timestamp()",
        "select modules, random_number, image(page) from things",
        "select * from ledger.batches",
    ],
)
def test_any_other_query_is_not(query: str) -> None:
    assert not reads_unseen([node(query, query)])


@pytest.mark.parametrize("kind", ["operation", "unit_test"])
def test_hooks_and_unit_tests_may_read_the_clock(kind: str) -> None:
    assert not reads_unseen([node("select clock_timestamp()", kind=kind)])


def threshold(count: int | None, period: str) -> SimpleNamespace:
    return SimpleNamespace(count=count, period=period)


def source(name: str, age: timedelta, status: str = "pass") -> SimpleNamespace:
    freshness = SimpleNamespace(warn_after=threshold(2, "day"), error_after=threshold(None, "day"))
    return SimpleNamespace(status=status, max_loaded_at=NOW - age, node=SimpleNamespace(name=name, freshness=freshness))


def test_a_source_becomes_stale_without_a_build() -> None:
    found = [
        source("fresh", timedelta(days=1)), source("stale", timedelta(days=2, seconds=1)),
        source("never", timedelta(0), "error"),
    ]  # fmt: skip
    last = LastBuild("", "", "", {}, _stale_from(found))
    assert last.stale_sources == ["never", "stale"]
