# waybill: sample
"""Turns table rows into the JSON documents that source systems would send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from data.sample.tables import Row, number, read_table, text

Document = dict[str, Any]
REFERENCE_WRITTEN_AT = "2012-12-15T00:00:00Z"


def airlines() -> Iterator[Document]:
    """Yield the airlines as flat documents."""
    for row in read_table("airlines"):
        yield {"carrier": row["carrier"], "name": row["name"], "updated_at": REFERENCE_WRITTEN_AT}


def airports() -> Iterator[Document]:
    """Yield the airports as flat documents, like a CSV export: a missing value stays the text NA."""
    for row in read_table("airports"):
        yield {
            "faa": row["faa"],
            "name": row["name"],
            "latitude": number(row["lat"]),
            "longitude": number(row["lon"]),
            "altitude_feet": number(row["alt"]),
            "utc_offset_hours": number(row["tz"]),
            "dst": row["dst"],
            "time_zone": row["tzone"],
            "updated_at": REFERENCE_WRITTEN_AT,
        }


def aircraft() -> Iterator[Document]:
    """Yield the aircraft as nested documents."""
    for row in read_table("planes"):
        yield {
            "tail_number": row["tailnum"],
            "manufacture": {
                "year": number(row["year"]),
                "manufacturer": text(row["manufacturer"]),
                "model": text(row["model"]),
            },
            "airframe": {
                "type": text(row["type"]),
                "engines": number(row["engines"]),
                "engine_type": text(row["engine"]),
                "seats": number(row["seats"]),
                "cruise_speed_mph": number(row["speed"]),
            },
            "updated_at": REFERENCE_WRITTEN_AT,
        }


def flights() -> Iterator[tuple[int, Document]]:
    """Yield each flight's month and nested document; its `updated_at` is 06:00 UTC on the next day."""
    for row in read_table("flights"):
        day = date(int(row["year"]), int(row["month"]), int(row["day"]))
        yield day.month, _flight(row, day)


def _flight(row: Row, day: date) -> Document:
    return {
        "airline": {"code": row["carrier"]},
        "flight_number": number(row["flight"]),
        "aircraft": {"tail_number": text(row["tailnum"])},
        "origin": {"airport": row["origin"]},
        "destination": {"airport": row["dest"]},
        "scheduled": {
            "date": day.isoformat(),
            "departure": number(row["sched_dep_time"]),
            "arrival": number(row["sched_arr_time"]),
            "departure_hour": row["time_hour"],
        },
        "actual": {
            "departure": number(row["dep_time"]),
            "arrival": number(row["arr_time"]),
            "air_time_minutes": number(row["air_time"]),
        },
        "delays": {
            "departure_minutes": number(row["dep_delay"]),
            "arrival_minutes": number(row["arr_delay"]),
        },
        "distance_miles": number(row["distance"]),
        "updated_at": f"{day + timedelta(days=1)}T06:00:00Z",
    }


def weather() -> Iterator[tuple[int, Document]]:
    """Yield month and nested document for each station and UTC day, with an array of observations."""
    days: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for row in read_table("weather"):
        days[row["time_hour"][:10], row["origin"]].append(_observation(row))
    for (day, station), observations in sorted(days.items()):
        document = {
            "station": {"airport": station},
            "date": day,
            "observations": sorted(observations, key=lambda observation: str(observation["observed_at"])),
            "updated_at": f"{date.fromisoformat(day) + timedelta(days=1)}T01:00:00Z",
        }
        yield int(day[5:7]), document


def _observation(row: Row) -> Document:
    return {
        "observed_at": row["time_hour"],
        "temperature_fahrenheit": number(row["temp"]),
        "dew_point_fahrenheit": number(row["dewp"]),
        "relative_humidity_percent": number(row["humid"]),
        "wind": {
            "direction_degrees": number(row["wind_dir"]),
            "speed_mph": number(row["wind_speed"]),
            "gust_mph": number(row["wind_gust"]),
        },
        "precipitation_inches": number(row["precip"]),
        "pressure_millibars": number(row["pressure"]),
        "visibility_miles": number(row["visib"]),
    }
