# waybill: sample
"""Builds the sample: complete files or none, and `planted.json` with the planted faults and the expected books."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from data.sample import documents
from data.sample.documents import Document
from data.sample.faults import (
    SEED,
    Planted,
    plant_aircraft,
    plant_correction,
    plant_flights,
    plant_inside,
    plant_weather,
)
from data.sample.files import Sample
from waybill.file_lock import file_lock

VERSION = 3
PLANTED = "planted.json"
ARRAY_MONTHS, PACKED_MONTHS = (2, 6, 9), (3, 4, 7, 8, 10)
BOM = b"\xef\xbb\xbf"
UNUSUAL_FILES = {5: "file with Windows line ends", 11: "file with a byte order mark"}


def build(folder: Path) -> dict[str, Any]:
    """Build the sample in a folder and return the content of `planted.json`; files of the same name are replaced.

    Two concurrent builds take turns. Partial files of a killed build are removed.
    """
    partial = folder / ".partial"  # inside, because the folder may be a link or a mount point
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder.parent):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        return _build_and_move(partial, folder)


def _build_and_move(partial: Path, folder: Path) -> dict[str, Any]:
    """Build in a partial folder, then move each file to its final path and `planted.json` last."""
    try:
        sample = Sample(partial)
        _add_reference_data(sample)
        _add_flights(sample)
        _add_weather(sample)
        planted = _describe(sample)
        _remove_obsolete_files(folder, set(planted["files"]))
        for path in sorted(partial.rglob("*.*")):
            target = folder / path.relative_to(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
        (partial / PLANTED).write_bytes(orjson.dumps(planted, option=orjson.OPT_INDENT_2))
        os.replace(partial / PLANTED, folder / PLANTED)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return planted


def _remove_obsolete_files(folder: Path, kept: set[str]) -> None:
    """Remove files that only an earlier version of the sample has, unless they were edited since."""
    try:
        earlier = orjson.loads((folder / PLANTED).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in sorted(set(earlier) - kept):
        path = folder / name
        if path.is_file() and _digest(path) == earlier[name]:
            path.unlink()


def is_built(folder: Path) -> bool:
    """Return whether the folder holds this version of the sample, byte for byte."""
    try:
        planted = orjson.loads((folder / PLANTED).read_bytes())
        return planted["version"] == VERSION and all(
            _digest(folder / name) == digest for name, digest in planted["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _add_reference_data(sample: Sample) -> None:
    for document in documents.airlines():
        sample.write(f"airlines/{document['carrier']}.json", orjson.dumps(document, option=orjson.OPT_INDENT_2))
        sample.totals["airlines"].update(["landed", "current"])
    airports = list(documents.airports())
    export = {"exported_at": documents.REFERENCE_WRITTEN_AT, "airports": airports}
    sample.write("airports/airports.json", orjson.dumps(export))
    sample.totals["airports"].update(landed=len(airports), current=len(airports))
    aircraft = list(documents.aircraft())
    sample.add_lines("aircraft/aircraft.ndjson.gz", aircraft)
    sample.add_planted("aircraft/later-aircraft.ndjson", plant_aircraft(aircraft))


def _add_flights(sample: Sample) -> None:
    months: dict[int, list[Document]] = defaultdict(list)
    for month, document in documents.flights():
        months[month].append(document)
    all_flights = [document for month in months.values() for document in month]
    corrections = []
    for index in (10, 2_000, 20_000):  # three flights are wrong in January's file; a later file corrects them
        wrong, right = plant_correction(months[1][index])
        months[1][index] = wrong
        corrections.append(Planted("correction", orjson.dumps(right), {"outcome": "current"}))
        sample.record_fault("corrected later", "flights/flights-2013-01.ndjson", index + 1, {"outcome": "superseded"})
    for month, real in months.items():
        stem = f"flights/flights-2013-{month:02}"
        if month in ARRAY_MONTHS:
            sample.write(f"{stem}.json", b"[\n" + b",\n".join(map(orjson.dumps, real)) + b"\n]\n")
            sample.totals["flights"].update(landed=len(real), current=len(real))
        elif month in PACKED_MONTHS:
            sample.add_lines(f"{stem}.ndjson.gz", real)
        else:
            _add_plain_month(sample, f"{stem}.ndjson", month, real)
    sample.add_planted("flights/late-deliveries-1.ndjson", [*corrections, *plant_flights(all_flights[30_000:])])
    sample.totals["flights"].update(superseded=3, current=-3)
    _add_repeated_file(sample)


def _add_plain_month(sample: Sample, name: str, month: int, real: list[Document]) -> None:
    """Write a month as lines: May with Windows line ends, November with a byte order mark, December with faults."""
    sample.add_lines(
        name,
        real,
        planted=plant_inside(real) if month == 12 else (),
        end=b"\r\n" if month == 5 else b"\n",
        head=BOM if month == 11 else b"",
    )
    if month in UNUSUAL_FILES:
        sample.record_fault(UNUSUAL_FILES[month], name, 0, {"outcome": "current"})


def _add_repeated_file(sample: Sample) -> None:
    """Copy a file under another name: the loader must skip its documents."""
    first, again = "flights/late-deliveries-1.ndjson", "flights/late-deliveries-2.ndjson"
    shutil.copyfile(sample.folder / first, sample.folder / again)
    lines = [line for line in (sample.folder / first).read_bytes().splitlines() if line.strip()]
    sample.record_fault("the same file again", again, 0, {"skipped": first})
    sample.totals["flights"].update(skipped=len(lines))


def _add_weather(sample: Sample) -> None:
    months: dict[int, list[Document]] = defaultdict(list)
    for month, document in documents.weather():
        months[month].append(document)
    for month, real in months.items():
        packed = ".gz" if month in PACKED_MONTHS else ""
        sample.add_lines(f"weather/weather-2013-{month:02}.ndjson{packed}", real)
    sample.add_planted("weather/weather-later.ndjson", plant_weather(months[1]))


def _describe(sample: Sample) -> dict[str, Any]:
    """Return the content of `planted.json`."""
    names = sorted(path.relative_to(sample.folder).as_posix() for path in sample.folder.rglob("*.*"))
    return {
        "version": VERSION,
        "seed": SEED,
        "totals": {source: dict(sorted(counts.items())) for source, counts in sorted(sample.totals.items())},
        "faults": sample.faults,
        "files": {name: _digest(sample.folder / name) for name in names},
    }


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
