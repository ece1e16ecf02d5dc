# waybill: sample
"""Features: no value fails a run, and many small runs give the features of one full run."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from tests.support.dbt_command import HASH, Dbt, query
from tests.support.landing import Document, changed, land
from tests.support.small.documents import aircraft, airline, airport, flight, land_reference_data, weather

LONGEST_DELAY = 432_000


def features() -> str:
    found: str = query(HASH.format("row::text", "marts.flight_features"))[0]
    return found


def extreme(value: int) -> dict[str, Any]:
    return {
        "actual__departure": 515,
        "actual__arrival": 819,
        "delays__departure_minutes": value,
        "delays__arrival_minutes": value,
        "actual__air_time_minutes": max(value, 0),
    }


def test_extreme_values_pass_through_the_whole_build(dbt: Dbt) -> None:
    land_reference_data()
    land(
        "flights",
        flight(1),
        flight(1, 3),
        flight(1, 4, **extreme(LONGEST_DELAY)),
        flight(2, 4, **extreme(-LONGEST_DELAY)),
    )
    land("flights", flight(3, scheduled__date="9998-12-31"), flight(2**31 - 1, scheduled__date="0002-01-01"))
    values = {"temperature_fahrenheit": 1e38, "pressure_millibars": -1e38, "precipitation_inches": 1e38}
    hours = [{"observed_at": f"2013-01-05T{hour:02}:00:00Z", "visibility_miles": -1e38, **values} for hour in range(12)]
    land("weather", weather(5, observations=hours))
    land("flights", flight(1, 5), flight(2, 5))
    dbt.succeed("run")
    corrections = flight(1, 5, **extreme(LONGEST_DELAY)), flight(2, 5, **extreme(-LONGEST_DELAY))
    land("flights", *(changed(document, updated_at="2013-03-01T00:00:00Z") for document in corrections))
    dbt.succeed("run")
    assert query(
        "select arrival_delay_minutes from marts.fct_flights where scheduled_date = '2013-01-05' order by 1"
    ) == [
        -LONGEST_DELAY,
        LONGEST_DELAY,
    ]
    assert query("select count(*) from marts.flight_features") == [8]
    step_by_step = features()
    dbt.succeed("run", "--full-refresh")
    assert features() == step_by_step


def year(chance: random.Random) -> list[Document]:
    """Return ninety days of two aircraft among three airports; some flights are cancelled, diverted or hours late."""
    found = []
    for day in range(90):
        local = date(2013, 1, 1) + timedelta(day)
        for number in range(1, 7):
            late = chance.choice([0, 5, 20, 50, 61, 700])
            departure, arrival = 600 + 200 * number, 800 + 200 * number
            document = flight(
                number,
                scheduled__date=local.isoformat(),
                scheduled__departure=departure,
                scheduled__arrival=arrival,
                aircraft__tail_number=chance.choice(["N14228", "N2", None]),
                destination__airport=chance.choice(["IAH", "XNA"]),
                actual__departure=clock(departure, late),
                actual__arrival=clock(arrival, late),
                actual__air_time_minutes=chance.randint(100, 200),
                delays__departure_minutes=late,
                delays__arrival_minutes=late,
                updated_at=f"{local + timedelta(1)}T06:00:00Z",
            )
            if chance.random() < 0.1:
                document |= {"actual": {}, "delays": {}}
            found.append(document)
    return found


def clock(hhmm: int, minutes: int) -> int:
    moved = (hhmm // 100 * 60 + hhmm % 100 + minutes) % 1440
    return moved // 60 * 100 + moved % 60


def test_small_runs_give_the_features_of_a_full_run(dbt: Dbt) -> None:
    chance = random.Random(3)
    flights = year(chance)
    days = [
        {"station": {"airport": "EWR"}, "date": f"2013-0{month}-{day:02}", "updated_at": "2013-06-01T00:00:00Z",
         "observations": [{"observed_at": f"2013-0{month}-{day:02}T{hour:02}:00:00Z", "visibility_miles": chance.randint(0, 10),
                           "pressure_millibars": 1000 + chance.randint(0, 30)} for hour in range(chance.randint(5, 24))]}
        for month, last in ((1, 31), (2, 28), (3, 31)) for day in range(1, last + 1)
    ]  # fmt: skip
    land("airlines", airline())
    land("airports", airport("EWR"), airport("IAH", "America/Chicago"), airport("XNA", "America/Chicago"))
    land("aircraft", aircraft())
    land("weather", *days[:60])
    land("flights", *flights[: 6 * 50])
    dbt.succeed("run")
    late = [changed(flights[n], updated_at="2013-07-01T00:00:00Z", **again) for n, again in (
        (6 * 20, {"delays__arrival_minutes": 61, "actual__arrival": clock(1000, 61), "actual__air_time_minutes": 300}),
        (6 * 31 + 2, {"status": "withdrawn"}),
        (6 * 40 + 1, {"actual": {}, "delays": {}}),
    )]  # fmt: skip
    for batch in (flights[6 * 50 : 6 * 70], late, flights[6 * 71 :]):
        land("flights", *batch)
    dbt.succeed("run")
    land("flights", *flights[6 * 70 : 6 * 71])
    land("weather", *days[60:])
    dbt.succeed("run")
    step_by_step = features()
    assert query("select count(*), count(visibility_miles_6h) > 400 from marts.flight_features") == [(539, True)]
    other_batch = "select count(*) from marts.flight_features join marts.fct_flights as flights using (flight_id)"
    assert query(f"{other_batch} where flight_features._batch_id is distinct from flights._batch_id") == [0]
    dbt.succeed("run", "--full-refresh")
    assert features() == step_by_step
