# waybill: sample
"""Small documents of the sample's sources, and reference data for its flights."""

from __future__ import annotations

from typing import Any

from tests.support.landing import Document, changed, land

SOURCES = ("airlines", "airports", "aircraft", "flights", "weather")


def flight(number: int = 1, day: int = 2, **values: Any) -> Document:
    """Return a flight from Newark to Houston that came 11 minutes late."""
    document = {
        "airline": {"code": "UA"},
        "flight_number": number,
        "aircraft": {"tail_number": "N14228"},
        "origin": {"airport": "EWR"},
        "destination": {"airport": "IAH"},
        "scheduled": {
            "date": f"2013-01-{day:02}",
            "departure": 515,
            "arrival": 819,
            "departure_hour": f"2013-01-{day:02}T10:00:00Z",
        },
        "actual": {"departure": 517, "arrival": 830, "air_time_minutes": 227},
        "delays": {"departure_minutes": 2, "arrival_minutes": 11},
        "distance_miles": 1400,
        "updated_at": "2013-02-01T06:00:00Z",
    }
    return changed(document, **values)


def airport(faa: str, time_zone: str = "America/New_York", **values: Any) -> Document:
    """Return an airport."""
    document = {
        "faa": faa,
        "name": f"{faa} Field",
        "latitude": 40.7,
        "longitude": -74.2,
        "altitude_feet": 18,
        "time_zone": time_zone,
        "updated_at": "2012-12-15T00:00:00Z",
    }
    return changed(document, **values)


def airline(carrier: str = "UA") -> Document:
    """Return an airline."""
    return {"carrier": carrier, "name": f"Airline {carrier}", "updated_at": "2012-12-15T00:00:00Z"}


def aircraft(tail_number: str = "N14228", **values: Any) -> Document:
    """Return an aircraft."""
    document = {
        "tail_number": tail_number,
        "manufacture": {"year": 1999, "manufacturer": "BOEING", "model": "737-824"},
        "airframe": {"type": "Fixed wing multi engine", "engines": 2, "engine_type": "Turbo-fan", "seats": 149},
        "updated_at": "2012-12-15T00:00:00Z",
    }
    return changed(document, **values)


def weather(day: int = 2, *hours: int, **values: Any) -> Document:
    """Return a day's observations at Newark."""
    document = {
        "station": {"airport": "EWR"},
        "date": f"2013-01-{day:02}",
        "observations": [
            {
                "observed_at": f"2013-01-{day:02}T{hour:02}:00:00Z",
                "temperature_fahrenheit": 39.02,
                "dew_point_fahrenheit": 26.06,
                "relative_humidity_percent": 59.37,
                "wind": {"direction_degrees": 270, "speed_mph": 10.35702, "gust_mph": None},
                "precipitation_inches": 0,
                "pressure_millibars": 1012,
                "visibility_miles": 10,
            }
            for hour in hours or (5, 6)
        ],
        "updated_at": "2013-02-01T06:00:00Z",
    }
    return changed(document, **values)


def land_reference_data() -> None:
    """Land the reference data that the flights of `flight()` refer to."""
    land("airlines", airline())
    land("airports", airport("EWR"), airport("IAH", "America/Chicago"))
    land("aircraft", aircraft())
    land("weather", weather())
