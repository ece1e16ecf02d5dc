# waybill: sample
"""P1 and P3 in dbt: every landed document has one outcome, and marts wait for books that balance."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from tests.support.dbt_command import Dbt, execute, failures, query
from tests.support.landing import Document, changed, land
from tests.support.small.documents import SOURCES, aircraft, airline, airport, flight, land_reference_data, weather
from tests.support.small.marts import WITHOUT_FEATURES, fingerprints, update

REASONS = "select reason from intermediate.document_outcomes where outcome = 'uncastable' order by _position"
IDENTITIES = (
    "assert_departures_are_scheduled_plus_delay",
    "assert_arrivals_are_scheduled_plus_delay",
    "assert_departure_hours_are_the_sources",
)


@pytest.mark.parametrize(
    ("source", "breach", "waiting"),
    [
        (
            "airlines",
            "update ledger.batches set landed = landed + 1, read = read + 1 where source = 'airlines'",
            {"dim_airlines", "fct_flights", "flight_features"},
        ),
        (
            "weather",
            "delete from raw.weather where _position = 1",
            {"dim_airports", "fct_weather_observations", "fct_flights", "flight_features"},
        ),
        (
            "aircraft",
            "insert into raw.aircraft select gen_random_uuid(), 1, gen_random_uuid(), document from raw.aircraft",
            {"dim_aircraft", "fct_flights", "flight_features"},
        ),
    ],
    ids=["ledger", "raw", "unknown batch"],
)
def test_unbalanced_books_stop_the_marts_of_the_source(dbt: Dbt, source: str, breach: str, waiting: set[str]) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = fingerprints(physical=True)
    land("flights", flight(1, distance_miles=1, updated_at="2013-03-01T00:00:00Z"))
    execute(breach)
    result = dbt.run("build", "--exclude", "test_type:unit")
    assert not result.success
    assert set(failures(result)) == {f"assert_{source}_balance"}
    marts = {
        entry.node.name: str(entry.status)
        for entry in result.result.results
        if entry.node.resource_type == "model" and entry.node.schema == "marts"
    }
    assert len(marts) >= 6
    assert {name for name, status in marts.items() if status == "skipped"} == waiting
    assert query("select count(*) > 0 from intermediate.document_outcomes") == [True]
    assert fingerprints(physical=True) == before


def test_batches_of_a_concurrent_run_are_not_reported_missing(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    added: list[UUID] = []

    def add_once(event: Any) -> None:
        if event.info.name == "LogModelResult" and "int_flights_deduplicated" in event.info.msg and not added:
            added.append(land("flights", flight(2)))
            execute(f"insert into intermediate.run_batches (batch_id, source) values ('{added[0]}', 'flights')")

    dbt.succeed("build", *WITHOUT_FEATURES, "test_type:unit", on_event=add_once)
    assert added


def test_a_run_batch_no_model_processed_fails_every_later_run(dbt: Dbt) -> None:
    land_reference_data()
    update(dbt)
    land("flights", flight(1))
    for command in ("build", "test"):
        result = dbt.run(command, "-s", "int_airlines_deduplicated", "assert_flights_balance")
        assert set(failures(result)) == {"assert_flights_balance"}


def test_an_uncastable_value_is_reported_and_stops_nothing(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(9))
    update(dbt)
    land(
        "flights",
        flight(1),
        flight(2, actual__departure="25:99", distance_miles="far"),
        flight(3, updated_at="yesterday"),
        flight(4, airline__code=None),
        flight(5, scheduled__date="2013-02-30"),
        flight(6, scheduled__departure_hour="2013-01-02T10:00:00"),
        flight(9, distance_miles="far", updated_at="2013-09-01T00:00:00Z"),
    )
    update(dbt)
    assert query("select flight_number from marts.fct_flights order by 1") == [1, 9]
    assert query(REASONS) == [
        'departure_hhmm: "25:99" is not a clock time HHMM; distance_miles: "far" is not a whole number',
        'updated_at: "yesterday" is not a time with a UTC offset',
        "airline_id: is missing",
        'scheduled_date: "2013-02-30" is not a date',
        'source_departure_hour_at: "2013-01-02T10:00:00" is not a time with a UTC offset',
        'distance_miles: "far" is not a whole number',
    ]


def test_a_key_too_long_for_an_index_is_reported_as_uncastable(dbt: Dbt) -> None:
    """Use random text: an index would compress a repeated one."""
    chance = random.Random(7)
    long = "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(4000))
    land("airlines", airline(long))
    land("airports", airport(long))
    land("aircraft", aircraft(long))
    land("weather", weather(2, 0, station__airport=long))
    names = ("airline__code", "aircraft__tail_number", "origin__airport", "destination__airport")
    land("flights", *(flight(number, **{name: long}) for number, name in enumerate(names)))
    land("flights", flight(8, airline__code=long[:200], aircraft__tail_number=long[:200], origin__airport=long[:200]))
    update(dbt)
    update(dbt)
    assert query("select flight_number from marts.fct_flights") == [8]
    assert query(
        "select distinct split_part(reason, ':', 2) from intermediate.document_outcomes where reason <> ''"
    ) == [" is longer than 200 characters"]
    assert query(
        "select count(*), max(length(document_key)) from intermediate.document_outcomes where reason <> ''"
    ) == [(8, 200)]


BASES = {
    "airlines": airline(),
    "airports": airport("EWR"),
    "aircraft": aircraft(),
    "flights": flight(),
    "weather": weather(),
}
ODD: list[Any] = [None, True, 0, -1, 2400, 2399, 515.0, 0.5, 2**31 - 1, -(2**31), 2**70, 1e300, -1e-300, [], [1], {}]
ODD += [
    "",
    " ",
    "NA",
    "é",
    "now",
    "infinity",
    "NaN",
    "epoch",
    "0x1F",
    "1_0",
    "1e999",
    "America/Nowhere",
    "Etc/GMT+5",
    "BC",
]
ODD += [
    "0001-01-01",
    "9999-12-31",
    "2013-02-29",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14",
    "2013-01-02T24:00:00Z",
]
ODD += [
    {"observed_at": 5},
    [{}],
    [{"observed_at": "2013-01-02T05:00:00Z", "wind": 5}],
    ["x"],
    "2013-01-02T05:00:00+25:00",
]


def leaves(document: Document, prefix: str = "") -> list[str]:
    """Return the paths of all values that are not objects."""
    paths: list[str] = []
    for name, value in document.items():
        paths += leaves(value, f"{prefix}{name}__") if isinstance(value, dict) else [prefix + name]
    return paths


def test_no_json_value_fails_a_run(dbt: Dbt) -> None:
    """Put every odd value, and pairs of them, at every path of every document."""
    chance = random.Random(7)
    for source in SOURCES:
        paths = leaves(BASES[source])
        alone = [changed(BASES[source], **{path: value}) for path in paths for value in ODD]
        pairs = [
            changed(BASES[source], **{path: chance.choice(ODD) for path in chance.sample(paths, 2)})
            for _ in range(300 if len(paths) > 2 else 0)
        ]
        land(source, *alone, *pairs)
    dbt.succeed("build", *WITHOUT_FEATURES, "test_type:unit", *IDENTITIES)
    assert query("select count(*) from intermediate.document_outcomes where outcome = 'uncastable'")[0] > 500
