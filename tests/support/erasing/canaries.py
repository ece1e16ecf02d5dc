# waybill: sample
"""Documents with texts that occur nowhere else, and a search for them in the bytes of every file below some folders."""

from __future__ import annotations

import copy
import gzip
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.support.databases import execute_on_server
from tests.support.small.pipeline import SmallPipeline
from warehouse.server_paths import installed_binaries

CANARY = b"CANARY"
KEY = "CANARYLINE-4242-EWR-2013-07-04"
BLOCK = 1 << 20
GZIP = b"\x1f\x8b"  # how a compressed file begins, such as a model


def plant(small: SmallPipeline, like: dict[str, Any], *, is_wrong: bool, **fields: Any) -> Path:
    """Write versions of one flight in which each text is a canary; if `is_wrong`, such that a test of dbt fails.

    `fields` replace others of the flight.
    """
    flight = copy.deepcopy(like)
    flight |= {"airline": {"code": "CANARYLINE"}, "flight_number": 4242, "aircraft": {"tail_number": "CANARYTAIL"}}
    flight |= {"origin": {"airport": "EWR"}, "destination": {"airport": "IAH"}, "seat": "CANARYSEAT"}
    hour, day = ("21", "05") if is_wrong else ("20", "08")
    flight["scheduled"] |= {"date": "2013-07-04", "departure_hour": f"2013-07-04T{hour}:00:00Z"}
    flight |= {"updated_at": f"2013-07-{day}T06:00:00Z", **fields}
    early = {**flight, "updated_at": "2013-07-04T23:00:00Z", "aircraft": {"tail_number": "CANARYOLD"}}
    wrong = {**flight, "delays": {"arrival_minutes": "CANARYDELAY"}, "updated_at": "2013-07-09T06:00:00Z"}
    refused = {**flight, "destination": {"airport": 17, "gate": "CANARYGATE"}}
    path = small.folder / "raw" / "flights" / f"canary-{day}.ndjson"
    lines = [json.dumps(one) for one in (early, flight, flight, wrong, refused)]
    path.write_text("\n".join([*lines, json.dumps({**flight, "note": "CANARYNOTE"})[:-7]]) + "\n")
    return path


def compress_no_pages() -> None:
    """Let the server compress no pages in the write-ahead log, because the search does not decompress them."""
    execute_on_server("alter system set wal_compression = off", "select pg_reload_conf()")


def files_with_canaries(folders: Iterable[Path]) -> list[str]:
    """Return the files below the folders that hold a canary, compressed or not."""
    return [str(path) for folder in folders for path in _files(folder) if _holds(path)]


def unpack_dump(database: Path, path: Path) -> Path:
    """Write the dump of a backup as SQL, in which nothing is compressed, to a path."""
    subprocess.run([installed_binaries() / "pg_restore", "-f", path, database], check=True)
    return path


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _holds(path: Path) -> bool:
    before = b""
    try:
        with gzip.open(path) if _is_compressed(path) else path.open("rb") as file:
            while block := file.read(BLOCK):
                if CANARY in before + block:
                    return True
                before = block[-len(CANARY) :]
    except FileNotFoundError:  # a file of the server that was removed meanwhile
        return False
    return False
