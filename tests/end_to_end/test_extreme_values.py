# waybill: sample
"""Every value that staging accepts passes all later stages. Every other value is uncastable, and all stages still run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from loader.tracing.why import why_row
from tests.support.databases import rows
from tests.support.landing import Document, changed
from tests.support.small.documents import aircraft, airport, flight, weather
from tests.support.small.pipeline import SmallPipeline, small_pipeline

pytestmark = pytest.mark.slow

LARGEST, LEAST, LONGEST_DELAY, LARGEST_DOUBLE = 2**31 - 1, -(2**31), 432_000, 1e38
FIRST_VERSION, LAST_VERSION = "0002-01-01T00:00:00+14:00", "9998-12-31T23:59:59.9999999-14:00"
DOUBLES = (
    "temperature_fahrenheit",
    "dew_point_fahrenheit",
    "relative_humidity_percent",
    "precipitation_inches",
    "pressure_millibars",
    "visibility_miles",
)


def evening_flight(number: int, date: str, delay: int = 0, clock_change: int = 0, **values: Any) -> Document:
    """Return a flight of 23:30 with a delay of whole days; `clock_change` is the change of clocks within the delay."""
    evening = {
        "scheduled__date": date,
        "scheduled__departure": 2330,
        "scheduled__arrival": 330,
        "scheduled__departure_hour": None,
        "delays__departure_minutes": delay,
        "delays__arrival_minutes": delay,
        "actual__departure": (2330 + clock_change) % 2400,
        "actual__arrival": 330 + clock_change,
    }
    return flight(number, **evening | values)


def weather_of(date: str, value: float, updated_at: str) -> Document:
    """Return a document whose observations all hold this value."""
    document = weather(2, *range(24))
    for hour, observation in enumerate(document["observations"]):
        observation |= dict.fromkeys(DOUBLES, value) | {"observed_at": f"{date}T{hour:02}:59:59.999999Z"}
        observation["wind"] = {"direction_degrees": LARGEST, "speed_mph": value, "gust_mph": value}
    return changed(document, date=date, updated_at=updated_at)


def accepted() -> dict[str, list[Document]]:
    """Return documents at the ends of every range, and at the ends of the ranges of libraries."""
    integers = {"manufacture__year": LEAST, "airframe__engines": LARGEST, "airframe__seats": LARGEST}
    longest = {"actual__air_time_minutes": 525_600, "distance_miles": 25_000}
    return {
        "flights": [
            evening_flight(7001, "0002-01-01", -LONGEST_DELAY, updated_at=FIRST_VERSION),
            evening_flight(7002, "9998-12-31", LONGEST_DELAY, 100, updated_at=LAST_VERSION),
            evening_flight(7003, "1582-10-10"),  # a day that the Gregorian calendar left out
            evening_flight(7004, "1677-09-20"),  # before the first nanosecond of pandas
            evening_flight(7005, "1969-12-31", 1440),
            evening_flight(7006, "2262-04-12"),  # after its last
            flight(LARGEST, **longest),
            flight(1, airline__code="Z~-1"),
            flight(LEAST, actual__air_time_minutes=0, distance_miles=0),
        ],
        "aircraft": [aircraft("extreme", updated_at=LAST_VERSION, **integers)],
        "airports": [
            airport("IAH", "America/Chicago"),
            airport("XXX", latitude=-90, longitude=180, altitude_feet=LEAST, updated_at=FIRST_VERSION),
        ],
        "weather": [
            weather_of("0002-01-01", LARGEST_DOUBLE, FIRST_VERSION),
            weather_of("2013-07-12", -LARGEST_DOUBLE, LAST_VERSION),
            weather_of("9998-12-31", 1e-300, LAST_VERSION),
        ],
    }


def refused() -> dict[str, list[tuple[Document, str]]]:
    """Return documents with one value each beyond the end of its range, and the reason."""
    years = " is not in the years 0002 to 9998"
    too_hot = weather(4)
    too_hot["observations"][0]["temperature_fahrenheit"] = 1.1e38
    return {
        "flights": [
            (evening_flight(8001, "0001-12-31"), f'scheduled_date: "0001-12-31"{years}'),
            (evening_flight(8002, "9999-12-31"), f'scheduled_date: "9999-12-31"{years}'),
            (flight(8003, updated_at="0001-01-01T00:00:00+14:00"), f'updated_at: "0001-01-01T00:00:00+14:00"{years}'),
            (flight(8004, updated_at="9999-12-31T23:30:00-05:00"), f'updated_at: "9999-12-31T23:30:00-05:00"{years}'),
            (flight(8005, updated_at="infinity"), 'updated_at: "infinity" is not a time with a UTC offset'),
            (
                flight(8006, updated_at="2013-03-06T10:00:00 BC Z"),
                'updated_at: "2013-03-06T10:00:00 BC Z" is not a time with a UTC offset',
            ),
            (
                flight(8007, delays__arrival_minutes=LONGEST_DELAY + 1),
                'arrival_delay_minutes: "432001" is more than 300 days',
            ),
            (flight(8008, distance_miles=LARGEST + 1), 'distance_miles: "2147483648" is too large'),
        ],
        "aircraft": [(aircraft("refused", airframe__seats=10**30), f'seats: "{10**30}" is too large')],
        "weather": [
            (too_hot, f'temperature_fahrenheit: "11{"0" * 37}" is too large or too small'),
        ],
    }


@pytest.fixture(scope="module")
def extreme(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[SmallPipeline]:
    """Build the marts of the small sample and these documents."""
    with small_pipeline(tmp_path_factory.mktemp("extreme")) as small:
        landed = accepted()
        for source, pairs in refused().items():
            landed[source] += [document for document, _ in pairs]
        small.deliver("airports", "extreme.json", [{"airports": landed.pop("airports")}])
        for source, documents in landed.items():
            small.deliver(source, "extreme.ndjson", documents)
        for stage in ("load", "check-raw", "dbt"):
            result = small.run(stage)
            assert result.returncode == 0, result.stdout + result.stderr
        yield small


def test_a_value_out_of_range_is_uncastable(extreme: SmallPipeline) -> None:
    found = {reason for (reason,) in rows("select reason from intermediate.document_outcomes where reason is not null")}
    of_the_sample = 'arrival_delay_minutes: "twelve" is not a whole number'
    assert found == {of_the_sample, *(reason for pairs in refused().values() for _, reason in pairs)}
    refused_flights = "select count(*) from marts.fct_flights where flight_number between 8000 and 8999"
    assert rows(refused_flights) == [(0,)]


def test_accepted_values_arrive_in_the_marts(extreme: SmallPipeline) -> None:
    first, last = datetime(1, 3, 8, 4, 26, 2, tzinfo=UTC), datetime(9999, 10, 28, 4, 30, tzinfo=UTC)
    departed = "select min(departed_at), max(departed_at) from marts.fct_flights"
    assert rows(departed) == [(first, last)]
    assert rows("select min(flight_number), max(flight_number) from marts.fct_flights") == [(LEAST, LARGEST)]
    seen = "select min(observed_at)::text, max(observed_at)::text from marts.fct_weather_observations"
    assert rows(seen) == [("0002-01-01 00:59:59.999999+00", "9998-12-31 23:59:59.999999+00")]
    assert rows("select max(precipitation_inches) from marts.fct_weather_observations") == [(LARGEST_DOUBLE,)]
    assert rows("select manufacture_year, seats from marts.dim_aircraft where aircraft_id = 'extreme'") == [
        (LEAST, LARGEST)
    ]
    assert rows("select min(altitude_feet) from marts.dim_airports") == [(LEAST,)]


def test_the_gate_of_the_marts_names_them(extreme: SmallPipeline) -> None:
    result = extreme.run("check-marts")
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
    failures = (extreme.folder / "reports" / "validation" / "marts_failures.csv").read_text()
    assert {"extreme", "XXX", "EWR-0002-01-01T00", "EWR-9998-12-31T23"} <= set(re.split("[,\n]", failures))


def test_no_accepted_value_stops_a_later_stage(extreme: SmallPipeline) -> None:
    for stage in ("train", "score", "export", "docs", "report"):
        result = extreme.run(stage)
        assert result.returncode == 0, result.stdout + result.stderr
    exported = (extreme.folder / "processed" / "fct_flights.json").read_text()
    escaped = ["Z~~~-1-1-EWR-2013-01-02", f"UA-~{LEAST}-EWR-2013-01-02"]
    for key in ["UA-7001-EWR-0002-01-01", "UA-7002-EWR-9998-12-31", *escaped]:
        assert f'"flight_id":"{key}"' in exported
        assert any(line.startswith("prediction predictions.") for line in why_row("fct_flights", (key,)))
    assert '"departed_at":"0001-03-08T04:26:02Z"' in exported
    assert '"departed_at":"9999-10-28T04:30:00Z"' in exported
