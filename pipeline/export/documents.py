"""The shape of the exported documents: where each column of a fact goes, and what its dimensions contribute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[Any, Any]
Member = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """One export file: the fact, the nested columns of its dimensions, and the function that builds a document.

    `build` takes a row and reference → nested member, which is None if the key is null.
    """

    mart: str
    members: Mapping[str, tuple[str, ...]]
    build: Callable[[Row, Mapping[str, Member | None]], dict[str, Any]]


AIRPORT = ("airport_id", "airport_name", "time_zone", "is_inferred")


def build_flight(row: Row, members: Mapping[str, Member | None]) -> dict[str, Any]:
    """Return the document of one flight."""
    return {
        "flight_id": row["flight_id"],
        "flight_number": row["flight_number"],
        "flight_status": row["flight_status"],
        "airline": members["airline"],
        "aircraft": members["aircraft"],
        "origin": members["origin_airport"],
        "destination": members["destination_airport"],
        "scheduled": {
            "date": row["scheduled_date"],
            "departure_at": row["scheduled_departure_at"],
            "arrival_at": row["scheduled_arrival_at"],
        },
        "actual": {
            "departed_at": row["departed_at"],
            "arrived_at": row["arrived_at"],
            "air_time_minutes": row["air_time_minutes"],
        },
        "delays": {
            "departure_minutes": row["departure_delay_minutes"],
            "arrival_minutes": row["arrival_delay_minutes"],
        },
        "distance_miles": row["distance_miles"],
        "is_late": row["is_late"],
        "updated_at": row["updated_at"],
    }


def build_observation(row: Row, members: Mapping[str, Member | None]) -> dict[str, Any]:
    """Return the document of one hour's weather at an airport."""
    return {
        "weather_observation_id": row["weather_observation_id"],
        "airport": members["airport"],
        "observed_at": row["observed_at"],
        "temperature_fahrenheit": row["temperature_fahrenheit"],
        "dew_point_fahrenheit": row["dew_point_fahrenheit"],
        "relative_humidity_percent": row["relative_humidity_percent"],
        "wind": {
            "direction_degrees": row["wind_direction_degrees"],
            "speed_mph": row["wind_speed_mph"],
            "gust_mph": row["wind_gust_mph"],
            "is_speed_implausible": row["is_wind_speed_implausible"],
        },
        "precipitation_inches": row["precipitation_inches"],
        "pressure_millibars": row["pressure_millibars"],
        "visibility_miles": row["visibility_miles"],
        "updated_at": row["updated_at"],
    }


EXPORTS = (
    Export(
        "fct_flights",
        {
            "airline": ("airline_id", "airline_name", "is_inferred"),
            "aircraft": (
                "aircraft_id",
                "manufacturer",
                "model",
                "aircraft_type",
                "seats",
                "manufacture_year",
                "is_inferred",
            ),
            "origin_airport": AIRPORT,
            "destination_airport": AIRPORT,
        },
        build_flight,
    ),
    Export("fct_weather_observations", {"airport": AIRPORT}, build_observation),
)
