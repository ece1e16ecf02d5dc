# waybill: sample
"""The years that `benchmarks.scale` adds are as consistent as the sample's, and growth is fitted right."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.scale.growth import exponent
from benchmarks.scale.years import Extent, shift_flight, shift_weather, write_raw
from data.sample import documents


def flight(day: str, number: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "airline": {"code": "UA"}, "flight_number": number, "origin": {"airport": "EWR"},
        "scheduled": {"date": day, "departure": 517, "arrival": 2350, "departure_hour": f"{day}T09:00:00Z"},
        "actual": {"departure": 519, "arrival": 2, "air_time_minutes": 100},
        "delays": {"departure_minutes": 2, "arrival_minutes": 12},
        "updated_at": f"{day}T06:00:00Z",
    } | changed  # fmt: skip


def minutes(local_time: int) -> int:
    return local_time // 100 * 60 + local_time % 100


def test_a_shifted_flight_leaves_at_the_same_local_time() -> None:
    """In 2013 summer time began on 10 March, in 2006 on 2 April."""
    shifted = shift_flight(flight("2013-03-12"), 7, Random(1))
    day = date.fromisoformat(shifted["scheduled"]["date"])
    assert day == date(2006, 3, 21)
    assert day.weekday() == date(2013, 3, 12).weekday()
    assert shifted["scheduled"]["departure_hour"] == "2006-03-21T10:00:00Z"
    assert shifted["updated_at"] == "2006-03-22T06:00:00Z"


def test_the_noise_of_a_delay_is_in_the_arrival_too() -> None:
    random, delays = Random(1), set()
    for _ in range(50):
        shifted = shift_flight(flight("2013-06-01"), 1, random)
        late, arrived = shifted["delays"]["arrival_minutes"], shifted["actual"]["arrival"]
        assert (minutes(2350) + late - minutes(arrived)) % (24 * 60) == 0
        assert 1 <= arrived <= 2400
        delays.add(late)
    assert len(delays) > 10


def test_a_cancelled_flight_stays_cancelled() -> None:
    nothing: dict[str, Any] = {"departure": None, "arrival": None, "air_time_minutes": None}
    cancelled = flight("2013-06-01", actual=nothing, delays={"departure_minutes": None, "arrival_minutes": None})
    shifted = shift_flight(cancelled, 1, Random(1))
    assert (shifted["actual"], shifted["delays"]) == (cancelled["actual"], cancelled["delays"])


def test_weather_is_shifted_with_its_observations() -> None:
    day = {"date": "2013-01-02", "observations": [{"observed_at": "2013-01-02T23:00:00Z"}], "updated_at": ""}
    assert shift_weather(day, 1) == {
        "date": "2012-01-04", "observations": [{"observed_at": "2012-01-04T23:00:00Z"}],
        "updated_at": "2012-01-05T01:00:00Z",
    }  # fmt: skip


def test_no_two_years_share_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = ["2013-01-01", "2013-12-30", "2013-12-31"]
    monkeypatch.setattr(documents, "flights", lambda: [(int(day[5:7]), flight(day)) for day in days])
    monkeypatch.setattr(documents, "weather", lambda: [])
    assert write_raw(tmp_path, Extent(2, range(1, 13), 2)) == 5
    files = sorted((tmp_path / "flights").iterdir())
    written = {
        path.stem: [json.loads(line)["scheduled"]["date"] for line in path.read_bytes().splitlines()] for path in files
    }
    assert written == {
        "flights-2012-01": ["2012-01-03"], "flights-2012-12": ["2012-12-31"],
        "flights-2013-01": ["2013-01-01"], "flights-2013-12": ["2013-12-30", "2013-12-31"],
    }  # fmt: skip


def test_the_exponent_is_one_for_what_grows_as_the_rows_do() -> None:
    rows = [100, 300, 1_000]
    assert exponent(rows, [2, 6, 20]) == pytest.approx(1)
    assert exponent(rows, [7, 7, 7]) == pytest.approx(0)
    assert exponent(rows, [row**2 for row in rows]) == pytest.approx(2)
