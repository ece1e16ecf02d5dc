# waybill: sample
"""`dbt source freshness` in the dbt stage: a stale source is a warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from loader.landing.raw_tables import make_raw_tables
from pipeline.dbt import build
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


def _of_the_sample(stale_sources: Callable[[], list[str]]) -> Callable[[], list[str]]:
    """Leave out your own sources, from which nothing has landed here."""
    return lambda: [name for name in stale_sources() if name in SOURCES]


def test_a_stale_source_is_a_warning_in_the_summary(landed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "build", lambda: (7, "7 rows of marts written"))
    monkeypatch.setattr(build, "stale_sources", _of_the_sample(build.stale_sources))
    warning = "warning: no new documents for longer than declared: airlines, weather"
    assert build.build_and_check_freshness() == (7, f"7 rows of marts written; {warning}")
