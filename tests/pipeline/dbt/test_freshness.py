# waybill: sample
"""`dbt source freshness` in the dbt stage: a stale source is a warning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from loader.landing.raw_tables import make_raw_tables
from pipeline.dbt import build
from pipeline.dbt.last_build import ALWAYS_STALE, _stale_from
from tests.support.landing import land
from tests.support.small.documents import SOURCES, aircraft, airline, airport, flight
from warehouse.connection import engine

AGE = "update ledger.batches set committed_at = committed_at - interval '31 days' where source = 'airlines'"


@pytest.fixture
def landed(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Land an airline 31 days ago and a document of every other source now, but no weather."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    make_raw_tables()
    land("airlines", airline())
    land("airports", airport("EWR"))
    land("aircraft", aircraft())
    land("flights", flight())
    with engine("owner").begin() as connection:
        connection.execute(text(AGE))


def _of_the_sample(stale_sources: Callable[[list[Any]], list[str]]) -> Callable[[list[Any]], list[str]]:
    """Leave out your own sources, from which nothing has landed here."""
    return lambda results: [name for name in stale_sources(results) if name in SOURCES]


def test_a_stale_source_is_a_warning_in_the_summary(landed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    check = build._check_freshness
    monkeypatch.setattr(build, "_build", lambda: [])
    monkeypatch.setattr(build, "_check_freshness", lambda: found.extend(check()) or found)
    monkeypatch.setattr(build, "stale_sources", _of_the_sample(build.stale_sources))
    warning = "warning: no new documents for longer than declared: airlines, weather"
    assert build.build_and_check_freshness() == (0, f"nothing new; {warning}")
    stale_from = {name: since for name, since in _stale_from(found).items() if name in SOURCES}
    assert {name for name, since in stale_from.items() if since == ALWAYS_STALE} == {"airlines", "weather"}
    later = [datetime.fromisoformat(since) for since in stale_from.values() if since != ALWAYS_STALE]
    assert later and min(later) > datetime.now(UTC) + timedelta(days=1)
