# waybill: sample
"""A few flights through the pipeline: marts, keys, corrections, unbalanced books, a second run that changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.load import load
from loader.plan import Request
from pipeline.dbt.build import build
from pipeline.errors import DbtFailed
from tests.support.databases import fresh_database, rows
from tests.support.dbt_command import UNTESTED
from warehouse.connection import connect

pytestmark = [pytest.mark.creator]  # also on an external server: see `make test-server`

MARTS = ("dim_airlines", "dim_airports", "dim_aircraft", "fct_weather_observations", "fct_flights", "flight_features")
AIRPORTS = {"EWR": "America/New_York", "ORD": "America/Chicago", "LAX": "America/Los_Angeles"}


def hhmm(minutes: int) -> int:
    return minutes // 60 * 100 + minutes % 60


def flight(number: int, day: int = 1, *, delay: int = 5, written: str = "2013-02-01", **more: Any) -> dict[str, Any]:
    departure, arrival = 900 + number % 50, 690 + number % 20
    return {
        "airline": {"code": "UA"}, "flight_number": number, "aircraft": {"tail_number": f"N{number}"},
        "origin": {"airport": "EWR"}, "destination": {"airport": more.pop("to", "ORD")},
        "scheduled": {"date": f"2013-01-{day:02}", "departure": departure, "arrival": hhmm(arrival),
                      "departure_hour": f"2013-01-{day:02}T14:00:00Z"},
        "actual": {"departure": departure, "arrival": hhmm(arrival + delay), "air_time_minutes": 100},
        "delays": {"departure_minutes": 0, "arrival_minutes": delay}, "distance_miles": 719,
        "updated_at": f"{written}T00:00:00Z", **more,
    }  # fmt: skip


@pytest.fixture
def land(server: None, tmp_path: Path) -> Iterator[Any]:
    """Return a function that lands documents of a source as one file; the reference data has landed already."""
    count = iter(range(1000))

    def landed(source: str, *documents: dict[str, Any]) -> None:
        path = tmp_path / f"{next(count)}.ndjson"
        path.write_text("\n".join(map(json.dumps, documents)))
        load(Request((source,), (str(path),), "ndjson"))

    with fresh_database("e2e"):
        stamp = {"updated_at": "2012-12-15T00:00:00Z"}
        landed("airlines", {"carrier": "UA", "name": "United", **stamp})
        landed(
            "airports", *({"faa": code, "name": code, "time_zone": zone, **stamp} for code, zone in AIRPORTS.items())
        )
        landed("aircraft", {"tail_number": "N1", "manufacture": {"year": 2000}, "airframe": {"seats": 9}, **stamp})
        landed("weather", {"station": {"airport": "EWR"}, "date": "2013-01-01", "updated_at": "2013-01-02T00:00:00Z",
                           "observations": [{"observed_at": "2013-01-01T06:00:00Z", "temperature_fahrenheit": 39.0}]})  # fmt: skip
        yield landed


def mart_hashes(*, physical: bool = False) -> dict[str, Any]:
    """Hash each mart without the columns that the pipeline adds; on request, with the rows' physical versions."""
    hidden = "" if physical else " - '_batch_id' - '_position'"
    version = "xmin::text || ctid::text ||" if physical else ""
    query = "select count(*), sum(hashtextextended({}(to_jsonb(mart){})::text, 0)) from marts.{} as mart"
    return {name: rows(query.format(version, hidden, name)) for name in MARTS}


def keys() -> set[tuple[str, str, str]]:
    return {
        tuple(row)  # type: ignore[misc]
        for row in rows(
            "select conrelid::regclass::text, coalesce(nullif(confrelid, 0)::regclass::text, ''), conkey::text"
            " from pg_constraint where contype in ('p', 'f') and convalidated and connamespace = 'marts'::regnamespace"
        )
    }


def test_corrections_and_withdrawals_give_the_full_builds_marts(land: Any) -> None:
    land("flights", flight(1), flight(2, delay=99), flight(3), flight(4, to="SJU"), flight(9))
    build()
    first_keys = keys()
    assert len(first_keys) >= 6 + 6  # the sample's; yours may be more
    before = mart_hashes(physical=True)
    assert build()[0] == 0
    assert mart_hashes(physical=True) == before  # a run with nothing new rewrites no row

    land("flights", flight(2, delay=7, written="2013-03-01"), flight(1), flight(5, day=2))
    land("flights", flight(2, delay=55, written="2013-02-15"))  # arrives after its correction
    land("flights", {**flight(9, written="2013-03-01"), "status": "withdrawn"})
    land("flights", {**flight(6), "delays": {"arrival_minutes": "twelve"}})
    build()

    assert rows("select arrival_delay_minutes from marts.fct_flights where flight_number = 2") == [(7,)]
    assert rows("select count(*) from marts.fct_flights where flight_number in (6, 9)") == [(0,)]
    assert rows("select count(*) from marts.flight_features where flight_id like 'UA-9-%'") == [(0,)]
    outcomes = dict(
        rows("select outcome, count(*) from intermediate.document_outcomes where source = 'flights' group by 1")
    )
    assert outcomes == {"current": 5, "superseded": 3, "duplicate": 1, "filtered": 1, "uncastable": 1}
    ((reason,),) = rows("select reason from intermediate.document_outcomes where outcome = 'uncastable'")
    assert reason == 'arrival_delay_minutes: "twelve" is not a whole number'
    assert rows("select is_inferred, time_zone from marts.dim_airports where airport_id = 'SJU'") == [
        (True, "America/Puerto_Rico")
    ]
    assert keys() == first_keys
    increment = mart_hashes()
    build("--full-refresh", *UNTESTED)
    assert mart_hashes() == increment
    assert keys() == first_keys


def test_keys_survive_the_rebuild_of_one_dimension(land: Any) -> None:
    land("flights", flight(1), flight(2))
    build(*UNTESTED)
    before = keys()
    for arguments in (("-s", "dim_airports"), ("-s", "dim_airports", "--full-refresh")):
        build(*arguments, *UNTESTED)
        assert keys() == before


def test_books_that_do_not_balance_leave_the_marts_as_they_were(land: Any) -> None:
    land("flights", flight(1))
    build(*UNTESTED)
    before = mart_hashes(physical=True)
    land("flights", flight(2))
    owner = connect("owner")
    with owner, owner.cursor() as cursor:
        cursor.execute("delete from raw.flights where document ->> 'flight_number' = '2'")
    owner.close()

    with pytest.raises(DbtFailed, match="assert_flights_balance"):
        build()

    assert mart_hashes(physical=True) == before


def test_a_batch_that_commits_late_is_processed(land: Any) -> None:
    """P5: a batch with a lower id that commits after a higher one was processed is below any high-water mark."""
    land("flights", flight(1))
    owner = connect("owner")
    with owner, owner.cursor() as cursor:  # the batch that is processed first has the highest id there is
        cursor.execute("alter table raw.flights disable trigger all")
        cursor.execute("update raw.flights set _batch_id = 'ffffffff-ffff-7fff-bfff-ffffffffffff'")
        cursor.execute(
            "update ledger.batches set batch_id = 'ffffffff-ffff-7fff-bfff-ffffffffffff',"
            " committed_at = 'infinity' where source = 'flights'"
        )
    owner.close()
    build(*UNTESTED)
    land("flights", flight(2))
    build(*UNTESTED)
    assert rows("select count(*) from marts.fct_flights") == [(2,)]
