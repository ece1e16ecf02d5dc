# waybill: sample
"""The sample's marts: a build without the features, and hashes of their rows."""

from __future__ import annotations

from typing import Any

from tests.support.dbt_command import HASH, Dbt, query

MARTS = ("dim_airlines", "dim_airports", "dim_aircraft", "fct_weather_observations", "fct_flights")
WITHOUT_FEATURES = ("--exclude", "intermediate.features", "flight_features")
PHYSICAL = "row::text || ' ' || row.ctid::text || ' ' || row.xmin::text"


def update(dbt: Dbt, *arguments: str) -> dict[str, Any]:
    """Run all models but the features."""
    return dbt.succeed("run", *arguments, *WITHOUT_FEATURES)


def fingerprints(*, physical: bool = False) -> dict[str, str]:
    """Return mart → hash of its rows; `physical` includes each row's position on disk and its transaction."""
    line = PHYSICAL if physical else "row::text"
    return {mart: query(HASH.format(line, f"marts.{mart}"))[0] for mart in MARTS}
