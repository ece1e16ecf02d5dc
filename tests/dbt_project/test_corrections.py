# waybill: sample
"""Marts replace only the values that the model `corrections` lists, and only while the source delivers them."""

from __future__ import annotations

from tests.support.dbt_command import Dbt, query
from tests.support.landing import land
from tests.support.small.documents import airport, flight, land_reference_data
from tests.support.small.marts import update

COORDINATES = "select airport_id, latitude_degrees, longitude_degrees from marts.dim_airports order by airport_id"
ALL_QUADRANTS = {
    "CPT": (-33.964806, 18.601667),
    "GIG": (-22.808903, -43.243647),
    "LHR": (51.4775, -0.461389),
    "SYD": (-33.946111, 151.177222),
    "TKO": (72.270833, 42.898333),
}


def place(faa: str, latitude: float, longitude: float, **values: object) -> dict[str, object]:
    return airport(faa, latitude=latitude, longitude=longitude, **values)


def test_coordinates_of_every_quadrant_stay_as_delivered(dbt: Dbt) -> None:
    land("airports", *(place(faa, *coordinates) for faa, coordinates in ALL_QUADRANTS.items()))
    land("airports", place("EEN", 72.270833, 42.898333))
    update(dbt)
    assert query(COORDINATES) == sorted(
        (faa, *coordinates) for faa, coordinates in {**ALL_QUADRANTS, "EEN": (42.898333, -72.270833)}.items()
    )
    applied = "select key, field from intermediate.corrections_applied order by field"
    assert query(applied) == [("EEN", "latitude_degrees"), ("EEN", "longitude_degrees")]
    land("airports", place("EEN", 42.9, -72.27, updated_at="2014-01-01T00:00:00Z"))
    update(dbt)
    assert ("EEN", 42.9, -72.27) in query(COORDINATES)
    assert query(applied) == []


def test_a_supplied_value_gives_way_to_a_delivered_one(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1, destination__airport="SJU"))
    update(dbt)
    zone = "select time_zone, is_inferred from marts.dim_airports where airport_id = 'SJU'"
    applied = "select mart, key, field, delivered_value, correct_value from intermediate.corrections_applied"
    assert query(zone) == [("America/Puerto_Rico", True)]
    assert query(applied) == [("dim_airports", "SJU", "time_zone", None, "America/Puerto_Rico")]
    land("airports", airport("SJU", "America/Halifax"))
    update(dbt)
    assert query(zone) == [("America/Halifax", False)]
    assert query(applied) == []
