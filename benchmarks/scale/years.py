# waybill: sample
"""Writes raw files of several years: the sample's year, and copies of it that are shifted to the years before.

A copy is shifted by a multiple of 364 days, so that each flight keeps its day of the week. Flights of the copies have
other arrival delays: a tree would learn labels by heart that it sees ten times. Take no figure of a model from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from data.sample import documents
from data.sample.documents import Document

SHIFT = timedelta(days=364)
LAST_DAY = "2013-12-31"  # a copy of it would have the keys of the first day of the year after
NEW_YORK = ZoneInfo("America/New_York")  # all flights leave there
NOISE_MINUTES = 8.0
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Extent:
    """How much data: these months of the sample's year, and so many years in all. `times` is what it is called."""

    times: int
    months: Collection[int]
    years: int


def write_raw(folder: Path, extent: Extent) -> int:
    """Write the raw files of all sources; return the number of flights."""
    _write_reference(folder)
    flights = 0
    for copy in range(extent.years):
        random = Random(copy)  # noqa: S311
        flights += _write_months(folder / "flights", "flights", _flights(extent, copy, random))
        _write_months(folder / "weather", "weather", _weather(extent, copy))
    return flights


def shift_flight(flight: Document, copy: int, random: Random) -> Document:
    """Return the flight so many times 364 days earlier, with noise in its arrival; copy 0 is the flight itself."""
    if copy == 0:
        return flight
    scheduled, actual, delays = flight["scheduled"], flight["actual"], flight["delays"]
    day = date.fromisoformat(scheduled["date"]) - copy * SHIFT
    noise = round(random.gauss(0, NOISE_MINUTES))
    return flight | {
        "scheduled": scheduled | {"date": day.isoformat(), "departure_hour": _hour(day, scheduled["departure"])},
        "actual": actual | {"arrival": _add(actual["arrival"], noise)},
        "delays": delays | {"arrival_minutes": None if (late := delays["arrival_minutes"]) is None else late + noise},
        "updated_at": f"{day + timedelta(days=1)}T06:00:00Z",
    }


def shift_weather(station_day: Document, copy: int) -> Document:
    """Return the observations of a station and day so many times 364 days earlier."""
    day = date.fromisoformat(station_day["date"]) - copy * SHIFT
    return station_day | {
        "date": day.isoformat(),
        "observations": [
            one | {"observed_at": _earlier(one["observed_at"], copy)} for one in station_day["observations"]
        ],
        "updated_at": f"{day + timedelta(days=1)}T01:00:00Z",
    }


def _flights(extent: Extent, copy: int, random: Random) -> Iterator[tuple[str, Document]]:
    for month, flight in documents.flights():
        if month in extent.months and not (copy and flight["scheduled"]["date"] == LAST_DAY):
            shifted = shift_flight(flight, copy, random)
            yield shifted["scheduled"]["date"], shifted


def _weather(extent: Extent, copy: int) -> Iterator[tuple[str, Document]]:
    for month, station_day in documents.weather():
        if month in extent.months and not (copy and station_day["date"] == LAST_DAY):
            shifted = shift_weather(station_day, copy)
            yield shifted["date"], shifted


def _write_reference(folder: Path) -> None:
    tables: dict[str, Callable[[], Iterator[Document]]] = {
        "airlines": documents.airlines, "airports": documents.airports, "aircraft": documents.aircraft,
    }  # fmt: skip
    for name, read in tables.items():
        (folder / name).mkdir(parents=True)
        if name == "airlines":  # one document a file
            for airline in read():
                (folder / name / f"{airline['carrier']}.json").write_bytes(orjson.dumps(airline))
        elif name == "airports":
            export = {"exported_at": documents.REFERENCE_WRITTEN_AT, name: list(read())}
            (folder / name / "airports.json").write_bytes(orjson.dumps(export))
        else:
            (folder / name / "aircraft.ndjson").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in read()))


def _write_months(folder: Path, name: str, dated: Iterator[tuple[str, Document]]) -> int:
    """Append documents to the file of their month; return how many there were."""
    folder.mkdir(exist_ok=True)
    count, lines, month = 0, bytearray(), ""
    for day, document in dated:
        if day[:7] != month:
            _append(folder / f"{name}-{month}.ndjson", lines)
        month = day[:7]
        lines += orjson.dumps(document) + b"\n"
        count += 1
    _append(folder / f"{name}-{month}.ndjson", lines)
    return count


def _append(path: Path, lines: bytearray) -> None:
    if lines:
        with path.open("ab") as file:
            file.write(lines)
        lines.clear()


def _hour(day: date, departure: int) -> str:
    """Return the hour of a scheduled departure in UTC: clocks change on other days than in the sample's year."""
    local = datetime.combine(day, clock_time(departure // 100), tzinfo=NEW_YORK)
    return local.astimezone(UTC).strftime(INSTANT)


def _earlier(instant: str, copy: int) -> str:
    return (datetime.strptime(instant, INSTANT).replace(tzinfo=UTC) - copy * SHIFT).strftime(INSTANT)


def _add(local_time: Any, minutes: int) -> Any:
    """Add minutes to a local time as a number, such as 517 for 05:17; midnight is 2400."""
    if local_time is None:
        return None
    total = (local_time // 100 * 60 + local_time % 100 + minutes) % DAY_MINUTES
    return total // 60 * 100 + total % 60 or 2400
