"""Writes small documents to the raw and ledger tables as the loader does, without running it."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from typing import Any
from uuid import UUID

from sqlalchemy import text

from loader.landing.raw_tables import make_raw_tables
from warehouse.connection import engine
from waybill.identifiers import uuid7

SOURCES = ("airlines", "airports", "aircraft", "flights", "weather")
Document = dict[str, Any]

ENTER_BATCH = """
with run as (
    insert into ledger.runs (run_id, command, versions) values (:batch_id, 'test', '{}') returning run_id
),
input as (
    insert into ledger.inputs (input_id, source, feed, digest, name, layout, is_complete)
    values (:batch_id, :source, 'file', :digest, 'data/raw/' || :source || '.ndjson', 'ndjson', true) returning input_id
)
insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position,
    contract_digest, read, landed, rejected, skipped)
select :batch_id, input_id, run_id, :source, 'file', 1, :landed + 1, '', :landed, :landed, 0, 0 from run, input
"""
LAND = "insert into raw.{} values (:batch_id, :position, :fingerprint, cast(:document as jsonb))"


def make_empty() -> None:
    """Empty raw and ledger, and drop everything that dbt has made."""
    make_raw_tables()
    made = "select format('%I.%I', schemaname, {0}name), '{0}' from pg_{0}s where schemaname in"
    schemas = "('staging', 'intermediate', 'marts')"
    with engine("owner").begin() as database:
        for kind in ("view", "table"):
            for name, _ in database.execute(text(f"{made.format(kind)} {schemas}")).fetchall():
                database.execute(text(f"drop {kind} if exists {name} cascade"))
        database.execute(text(f"truncate ledger.runs, {', '.join('raw.' + source for source in SOURCES)} cascade"))


def land(source: str, *documents: Document, batch_id: UUID | None = None) -> UUID:
    """Land the documents as one committed batch; return its id."""
    batch_id = batch_id or uuid7()
    rows = []
    for position, document in enumerate(documents, start=1):
        spelled = json.dumps(document)
        fingerprint = UUID(bytes=hashlib.blake2b(spelled.encode(), digest_size=16).digest())
        rows.append({"batch_id": batch_id, "position": position, "fingerprint": fingerprint, "document": spelled})
    with engine("owner").begin() as database:
        if rows:
            database.execute(text(LAND.format(source)), rows)
        database.execute(
            text(ENTER_BATCH),
            {"batch_id": batch_id, "source": source, "digest": batch_id.hex, "landed": len(documents)},
        )
    return batch_id


def changed(document: Document, **values: Any) -> Document:
    """Return a copy with other values; a double underscore goes one level down."""
    copy = deepcopy(document)
    for path, value in values.items():
        *parents, name = path.split("__")
        member = copy
        for parent in parents:
            member = member[parent]
        member[name] = value
    return copy


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
