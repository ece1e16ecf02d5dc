"""Writes the sample's files, whole or not at all, and beside them what was planted and what the books must say."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from data.sample import documents
from data.sample.documents import Document
from data.sample.faults import (
    SEED,
    Planted,
    first_sent_wrong,
    plant_aircraft,
    plant_flights,
    plant_inside,
    plant_weather,
)
from data.sample.files import Sample

VERSION = 3
PLANTED = "planted.json"
ARRAY_MONTHS, PACKED_MONTHS = (2, 6, 9), (3, 4, 7, 8, 10)
BOM = b"\xef\xbb\xbf"
SPELLED = {5: "file with Windows line ends", 11: "file with a byte order mark"}


def build(folder: Path) -> dict[str, Any]:
    """Build the sample below a folder and return what was planted; files of the same name are replaced.

    Two builds at once take turns; what a killed one left half-built is removed.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder.parent):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        return _build_by_way_of(partial, folder)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _build_by_way_of(partial: Path, folder: Path) -> dict[str, Any]:
    try:
        sample = Sample(partial)
        _reference(sample)
        _flights(sample)
        _weather(sample)
        planted = _describe(sample)
        _remove_former(folder, set(planted["files"]))
        for path in sorted(partial.rglob("*.*")):
            target = folder / path.relative_to(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
        (partial / PLANTED).write_bytes(orjson.dumps(planted, option=orjson.OPT_INDENT_2))
        os.replace(partial / PLANTED, folder / PLANTED)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return planted


def _remove_former(folder: Path, kept: set[str]) -> None:
    """Remove what an earlier version of the sample wrote and this one does not; only what is still as it wrote it."""
    try:
        former = orjson.loads((folder / PLANTED).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in sorted(set(former) - kept):
        path = folder / name
        if path.is_file() and _digest(path) == former[name]:
            path.unlink()


def is_built(folder: Path) -> bool:
    """Whether the folder holds the sample of this version, byte for byte."""
    try:
        planted = orjson.loads((folder / PLANTED).read_bytes())
        return planted["version"] == VERSION and all(
            _digest(folder / name) == digest for name, digest in planted["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _reference(sample: Sample) -> None:
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


def _flights(sample: Sample) -> None:
    months: dict[int, list[Document]] = defaultdict(list)
    for month, document in documents.flights():
        months[month].append(document)
    everything = [document for month in months.values() for document in month]
    corrections = []
    for place in (10, 2_000, 20_000):  # what January first said of three flights is wrong, a later file corrects it
        wrong, right = first_sent_wrong(months[1][place])
        months[1][place] = wrong
        corrections.append(Planted("correction", orjson.dumps(right), {"outcome": "current"}))
        sample.note("corrected later", "flights/flights-2013-01.ndjson", place + 1, {"outcome": "superseded"})
    for month, real in months.items():
        stem = f"flights/flights-2013-{month:02}"
        if month in ARRAY_MONTHS:
            sample.write(f"{stem}.json", b"[\n" + b",\n".join(map(orjson.dumps, real)) + b"\n]\n")
            sample.totals["flights"].update(landed=len(real), current=len(real))
        elif month in PACKED_MONTHS:
            sample.add_lines(f"{stem}.ndjson.gz", real)
        else:
            _plain_month(sample, f"{stem}.ndjson", month, real)
    sample.add_planted("flights/late-deliveries-1.ndjson", [*corrections, *plant_flights(everything[30_000:])])
    sample.totals["flights"].update(superseded=3, current=-3)
    _deliver_again(sample)


def _plain_month(sample: Sample, name: str, month: int, real: list[Document]) -> None:
    """Write a month as plain lines; May has Windows line ends, November a byte order mark, December dirt inside."""
    sample.add_lines(
        name,
        real,
        planted=plant_inside(real) if month == 12 else (),
        end=b"\r\n" if month == 5 else b"\n",
        head=BOM if month == 11 else b"",
    )
    if month in SPELLED:
        sample.note(SPELLED[month], name, 0, {"outcome": "current"})


def _deliver_again(sample: Sample) -> None:
    """Deliver a whole file a second time under another name: the ledger skips its documents."""
    first, again = "flights/late-deliveries-1.ndjson", "flights/late-deliveries-2.ndjson"
    shutil.copyfile(sample.folder / first, sample.folder / again)
    lines = [line for line in (sample.folder / first).read_bytes().splitlines() if line.strip()]
    sample.note("the same file again", again, 0, {"skipped": first})
    sample.totals["flights"].update(skipped=len(lines))


def _weather(sample: Sample) -> None:
    months: dict[int, list[Document]] = defaultdict(list)
    for month, document in documents.weather():
        months[month].append(document)
    for month, real in months.items():
        packed = ".gz" if month in PACKED_MONTHS else ""
        sample.add_lines(f"weather/weather-2013-{month:02}.ndjson{packed}", real)
    sample.add_planted("weather/weather-later.ndjson", plant_weather(months[1]))


def _describe(sample: Sample) -> dict[str, Any]:
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
