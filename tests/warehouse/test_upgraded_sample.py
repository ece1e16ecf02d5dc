# waybill: sample
"""All stages work on a warehouse of an older layout that holds the sample (P10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine

from loader.load import load
from loader.plan import Request
from pipeline.mart_hashes import MartHash
from tests.support.databases import fresh_database, rows
from tests.support.dbt_command import Dbt
from tests.support.small.documents import SOURCES
from tests.support.small.pipeline import SMALL
from tests.warehouse.test_migrations import hashes, old_layout, owner_login, pytestmark, run_python, untouched

__all__ = ["old_layout", "pytestmark"]

MARTS = "select tablename::text from pg_tables where schemaname = 'marts' order by 1"
# columns of flight_features that older warehouses have: features that added nothing to the model
REMOVED = {
    "wind_gust_mph", "visibility_miles", "airport_enroute_loss_minutes_3h", "network_cancelled_flights_3h",
    "network_enroute_loss_minutes_3h", "destination_arrival_delay_minutes_3h", "region_enroute_loss_minutes_24h",
    "region_air_time_excess_minutes_3h", "airline_region_enroute_loss_minutes_24h", "previous_departure_delay_minutes",
    "numbered_flight_enroute_loss_minutes_21d",
}  # fmt: skip
# The only values that later versions correct: this airport was delivered with its coordinates swapped and a sign lost.
CORRECTED = {"EEN": {"latitude_degrees": 42.898333, "longitude_degrees": -72.270833}}


def marts() -> dict[str, list[dict[str, Any]]]:
    """Return mart → its rows, by the key: the first column of each; nothing is migrated by this."""
    unprepared = create_engine("postgresql+psycopg2://", connect_args=owner_login(), poolclass=NullPool)
    with unprepared.connect() as connection:
        return {
            mart: [dict(row) for row in connection.exec_driver_sql(f"select * from marts.{mart} order by 1").mappings()]
            for (mart,) in untouched(MARTS)
        }


def of_columns(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns that `wanted` has, of the rows that were found."""
    return [{name: row.get(name) for name in wanted[0]} for row in found]


@pytest.fixture(scope="module")
def built_today(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MartHash]]:
    """Build the marts from the same documents in a new database, and return their hashes."""
    with fresh_database():
        load(Request(SOURCES, (str(SMALL),), "records"))
        Dbt(tmp_path_factory.mktemp("dbt")).succeed("run")
        yield hashes()


def test_commands_work_on_an_upgraded_database(
    built_today: dict[str, MartHash], old_layout: int, tmp_path: Path
) -> None:
    before = marts()
    assert before.keys() == built_today.keys() and all(before.values())
    environment = {"WAYBILL_TASK": "flight_delays_small", "DBT_TARGET_PATH": str(tmp_path / "target")}
    environment |= {name: str(tmp_path / name) for name in ("WAYBILL_MODELS", "WAYBILL_REPORTS", "WAYBILL_PROCESSED")}
    known = run_python("-m", "loader", "load", "--layout", "records", "flights", "data/raw/raw.json", **environment)
    assert known.returncode == 0, known.stderr
    for stage in ("dbt", "train", "score"):
        ran = run_python("-m", "pipeline", stage, **environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    after = marts()
    for airport in before["dim_airports"]:
        airport.update(CORRECTED.get(airport["airport_id"], {}))
    for flight in before["flight_features"]:
        for column in REMOVED & flight.keys():
            del flight[column]
    for mart, kept in before.items():
        assert of_columns(after[mart], kept) == kept, f"{mart} lost or changed a value"
    assert hashes() == built_today, "an upgraded warehouse and a new one differ, perhaps in a column that was added"
    assert rows("select count(*) from raw.flights") == [(115,)]
    assert rows("select count(*) from predictions.flight_delays_small") == [(112,)]
