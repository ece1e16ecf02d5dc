# waybill: sample
"""The rule for current documents, applied to the sample's bytes without the pipeline, gives the original rows."""

from __future__ import annotations

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.sample.tables import Row, read_table

pytestmark = pytest.mark.slow

Document = dict[str, Any]
KEYS: dict[str, Callable[[Document], tuple[Any, ...]]] = {
    "airlines": lambda document: (document["carrier"],),
    "airports": lambda document: (document["faa"],),
    "aircraft": lambda document: (document["tail_number"],),
    "flights": lambda document: (
        document["airline"]["code"],
        document["flight_number"],
        document["origin"]["airport"],
        document["scheduled"]["date"],
    ),
    "weather": lambda document: (document["station"]["airport"], document["date"]),
}


def documents_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield position and bytes of each document; an array has one element per line."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    if path.parent.name == "airports":
        yield from enumerate(map(orjson.dumps, orjson.loads(raw)["airports"]), 1)
    elif path.parent.name == "airlines":
        yield 1, raw.strip()
    elif path.suffix == ".json":
        yield from enumerate((line.rstrip(b",") for line in raw.split(b"\n")[1:-2]), 1)
    else:
        lines = enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
        yield from ((position, line.strip()) for position, line in lines if line.strip())


def current(folder: Path, source: str) -> list[Document]:
    """Keep the highest version, then the highest fingerprint, of each key, and drop withdrawn documents."""
    planted = orjson.loads((folder / "planted.json").read_bytes())["faults"]
    invalid = {
        (fault["file"], fault["position"])
        for fault in planted
        if "rejected" in fault["expected"] or fault["expected"].get("outcome") == "uncastable"
    }
    skipped = {fault["file"] for fault in planted if "skipped" in fault["expected"]}
    ranked: dict[tuple[Any, ...], tuple[str, bytes, bytes]] = {}
    for path in sorted(folder.glob(f"{source}/*")):
        name = path.relative_to(folder).as_posix()
        if name in skipped:
            continue
        for position, raw in documents_of(path):
            if (name, position) not in invalid:
                document = orjson.loads(raw)
                rank = document["updated_at"], hashlib.blake2b(raw, digest_size=16).digest(), raw
                key = KEYS[source](document)
                ranked[key] = max(ranked.get(key, rank), rank)
    documents = [orjson.loads(raw) for _, _, raw in ranked.values()]
    return [document for document in documents if document.get("status") != "withdrawn"]


def leaves(value: Any) -> Iterator[str]:
    """Yield a document's leaf values as text: numbers in one spelling, a missing value as NA."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in ("updated_at", "departure_hour"):
                yield from leaves(member)
    else:
        yield cell("NA" if value is None else str(value))


def cell(text: str) -> str:
    """Return a number in one spelling, other text unchanged."""
    try:
        return repr(float(text))
    except ValueError:
        return text


def chosen(row: Row, columns: str) -> list[str]:
    return [cell(row[column]) for column in columns.split()]


@pytest.mark.parametrize(
    ("source", "table", "columns"),
    [
        ("airlines", "airlines", "carrier name"),
        ("airports", "airports", "faa name lat lon alt tz dst tzone"),
        ("aircraft", "planes", "tailnum year manufacturer model type engines engine seats speed"),
    ],
)
def test_current_reference_documents_are_the_original_rows(folder: Path, source: str, table: str, columns: str) -> None:
    found = sorted(list(leaves(document)) for document in current(folder, source))
    assert found == sorted(chosen(row, columns) for row in read_table(table))


def test_current_flights_are_the_original_rows(folder: Path) -> None:
    columns = (
        "carrier flight tailnum origin dest sched_dep_time sched_arr_time dep_time arr_time air_time"
        " dep_delay arr_delay distance"
    )
    expected = {
        (*chosen(row, columns), f"{row['year']}-{int(row['month']):02}-{int(row['day']):02}", row["time_hour"])
        for row in read_table("flights")
    }
    found = set()
    for document in current(folder, "flights"):
        scheduled = document["scheduled"]
        day, hour = scheduled.pop("date"), scheduled["departure_hour"]
        found.add((*leaves(document), day, hour))
    assert len(expected) == 336_776
    assert found == expected


def test_current_weather_is_the_original_rows(folder: Path) -> None:
    columns = "temp dewp humid wind_dir wind_speed wind_gust precip pressure visib"
    expected: dict[tuple[str, str], list[str]] = {}
    for row in read_table("weather"):
        expected[row["origin"], row["time_hour"]] = chosen(row, columns)
    found: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for document in current(folder, "weather"):
        for observation in document["observations"]:
            hour = observation.pop("observed_at")
            assert hour.startswith(document["date"])
            found[document["station"]["airport"], hour].append(list(leaves(observation)))
    assert len(expected) == 26_115
    assert found == {key: [values] for key, values in expected.items()}
