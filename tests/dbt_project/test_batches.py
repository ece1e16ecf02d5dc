# waybill: sample
"""P5: marts follow the set of committed batches, in whatever order they committed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.support.dbt_command import Dbt, execute, query
from tests.support.landing import land
from tests.support.small.documents import airport, flight, land_reference_data, weather
from tests.support.small.marts import MARTS, WITHOUT_FEATURES, fingerprints, update
from warehouse.connection import engine
from warehouse.dbt_login import DBT_PROJECT

FLIGHTS = "select flight_id from marts.fct_flights order by flight_id"
WAITING = """
    select from pg_locks as locks inner join pg_database as here on locks.database = here.oid
    where here.datname = current_database() and locks.locktype = 'advisory' and not locks.granted
"""
ARRIVED = "select arrived_at::text from marts.fct_flights where flight_number = "


def test_a_batch_committed_between_two_models_waits_for_next_run(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    landed: list[UUID] = []

    def land_once(event: Any) -> None:
        if event.info.name == "LogModelResult" and "int_flights_deduplicated" in event.info.msg and not landed:
            landed.append(land("flights", flight(2, airline__code="AA", aircraft__tail_number="N2")))

    dbt.succeed("run", *WITHOUT_FEATURES, on_event=land_once)
    assert landed
    assert query(FLIGHTS) == ["UA-1-EWR-2013-01-02"]
    update(dbt)
    assert query(FLIGHTS) == ["AA-2-EWR-2013-01-02", "UA-1-EWR-2013-01-02"]


def test_a_batch_with_an_older_id_that_commits_late_is_processed(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    land("flights", flight(2), batch_id=UUID(int=1))
    update(dbt)
    assert len(query(FLIGHTS)) == 2


def test_a_mart_run_alone_records_only_batches_that_reached_it(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    land("flights", flight(2))
    dbt.succeed("run", "-s", "fct_flights")
    assert len(query(FLIGHTS)) == 1
    dbt.succeed("run", "-s", "int_flights_deduplicated")
    dbt.succeed("run", "-s", "fct_flights")
    assert len(query(FLIGHTS)) == 2


def test_batches_a_concurrent_run_adds_are_not_recorded(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    added: list[UUID] = []

    def add_once(event: Any) -> None:
        if event.info.name == "LogModelResult" and "int_flights_deduplicated" in event.info.msg and not added:
            added.append(land("flights", flight(2)))
            execute(f"insert into intermediate.run_batches (batch_id, source) values ('{added[0]}', 'flights')")

    dbt.succeed("run", "-s", "int_flights_deduplicated", "fct_flights", on_event=add_once)
    assert added
    update(dbt)
    assert len(query(FLIGHTS)) == 2


def test_batches_of_an_overlapping_run_are_processed(dbt: Dbt) -> None:
    """The other run adds its batch first and commits last: the batch is older than what this run has processed by then."""
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    land("flights", flight(2))
    other_run = engine("owner").connect()

    def overlap_once(event: Any) -> None:
        if (
            event.info.name == "LogStartLine"
            and "int_flights_deduplicated" in event.info.msg
            and not other_run.in_transaction()
        ):
            batch = land("flights", flight(3))
            add = "insert into intermediate.run_batches (batch_id, source) values (:batch, 'flights')"
            other_run.execute(text(add), {"batch": batch})

    dbt.succeed("run", "-s", "int_flights_deduplicated", on_event=overlap_once)
    assert other_run.in_transaction()
    assert query("select flight_number from intermediate.int_flights_deduplicated order by 1") == [1, 2]
    other_run.commit()
    other_run.close()
    update(dbt)
    assert len(query(FLIGHTS)) == 3


@pytest.mark.parametrize("flag", [(), ("--full-refresh",)], ids=["first build", "full refresh"])
def test_batches_added_before_a_rebuild_reads_wait_for_next_run(dbt: Dbt, flag: tuple[str, ...]) -> None:
    land_reference_data()
    land("flights", flight(1))
    if flag:
        update(dbt)
    added: list[UUID] = []

    def add_once(event: Any) -> None:
        reads = r"create\s+table\s+\S*int_flights_deduplicated"
        if event.info.name == "SQLQuery" and re.search(reads, event.data.sql) and not added:
            added.append(land("flights", flight(2)))
            execute(f"insert into intermediate.run_batches (batch_id, source) values ('{added[0]}', 'flights')")

    dbt.succeed("run", "-s", "+int_flights_deduplicated", *flag, on_event=add_once)
    assert added
    assert query("select count(*) from intermediate.int_flights_deduplicated") == [1]
    update(dbt)
    assert len(query(FLIGHTS)) == 2


def test_a_run_waits_for_a_concurrent_rebuild_and_loses_nothing(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    beside: list[subprocess.Popen[bytes]] = []

    def run_beside_once(event: Any) -> None:
        if event.info.name == "SQLQuery" and "rename to" in event.data.sql and not beside:
            land("flights", flight(2))
            options = ("--quiet", "--log-level-file", "none", "--target-path", str(dbt.folder / "beside"))
            dbt_run = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "run", *options]
            beside.append(subprocess.Popen([*dbt_run, "-s", "int_flights_deduplicated"], cwd=DBT_PROJECT))
            while beside[0].poll() is None and not query(WAITING):
                time.sleep(0.1)

    dbt.succeed("run", "-s", "int_flights_deduplicated", "--full-refresh", on_event=run_beside_once)
    assert beside and beside[0].wait() == 0
    assert query("select flight_number from intermediate.int_flights_deduplicated order by 1") == [1, 2]


def test_a_flight_number_spelled_differently_is_the_same_flight(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1), flight(2, day=3))
    update(dbt)
    land("flights", flight(1.0), flight(2.0, day=3, distance_miles=1, updated_at="2013-03-01T00:00:00Z"))  # type: ignore[arg-type]
    update(dbt)
    assert query(FLIGHTS) == ["UA-1-EWR-2013-01-02", "UA-2-EWR-2013-01-03"]
    outcomes = "select document_key, outcome from intermediate.document_outcomes where source = 'flights' order by 1, 2"
    assert query(outcomes) == [
        ("UA-1-EWR-2013-01-02", "current"),
        ("UA-1-EWR-2013-01-02", "duplicate"),
        ("UA-2-EWR-2013-01-03", "current"),
        ("UA-2-EWR-2013-01-03", "superseded"),
    ]


def test_a_second_run_and_a_redelivery_write_nothing(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1), flight(2, destination__airport="SJU"))
    update(dbt)
    before = fingerprints(physical=True)
    update(dbt)
    land("flights", flight(1))
    results = update(dbt)
    assert fingerprints(physical=True) == before
    assert {results[mart].adapter_response["rows_affected"] for mart in MARTS} == {0}
    assert query("select count(*) from intermediate.document_outcomes where outcome = 'duplicate'") == [1]


def test_incremental_runs_give_the_marts_of_a_full_build(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1), flight(2), flight(3, aircraft__tail_number="N3"), flight(4, destination__airport="XNA"))
    land("weather", weather(3, 0, 1, 2))
    update(dbt)
    assert query(f"{ARRIVED} 4") == [None]
    land("flights", flight(1, delays__arrival_minutes=30, actual__arrival=849, updated_at="2013-03-01T00:00:00Z"))
    land("flights", flight(2, distance_miles=1, updated_at="2012-03-01T00:00:00Z"), flight(5))
    land("flights", flight(3, aircraft__tail_number="N3", status="withdrawn", updated_at="2013-03-01T00:00:00Z"))
    land("weather", weather(3, 1, 2, 4, updated_at="2013-03-01T00:00:00Z"))
    land(
        "airports",
        airport("XNA", "America/Chicago"),
        airport("IAH", "America/Denver", updated_at="2013-03-01T00:00:00Z"),
    )
    update(dbt)
    assert query(
        "select is_late, distance_miles from marts.fct_flights where flight_number < 4 order by flight_number"
    ) == [
        (True, 1400),
        (False, 1400),
    ]
    assert query(f"{ARRIVED} 4") == ["2013-01-02 14:30:00+00"]
    assert query(f"{ARRIVED} 5") == ["2013-01-02 15:30:00+00"]
    observations = "select weather_observation_id from marts.fct_weather_observations where observed_at >= '2013-01-03'"
    assert query(f"{observations} order by observed_at") == [
        "EWR-2013-01-03T01",
        "EWR-2013-01-03T02",
        "EWR-2013-01-03T04",
    ]
    step_by_step = fingerprints()
    update(dbt, "--full-refresh")
    assert fingerprints() == step_by_step
