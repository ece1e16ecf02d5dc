# waybill: sample
"""Profiles a file with Waybill and counts the values for which its design has no column."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.traps import documents as traps
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import JSON, Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import Profile
from pipeline.modelling.profiling.profiling import profile
from waybill.json_pointers import split_pointer

SOURCE = "planted"
INTEGERS = {"integer": 1 << 31, "bigint": 1 << 63}
TEXTS = ("text", "date", "timestamp", "timestamptz", "uuid", JSON)


def measure(path: Path, *, with_values: bool) -> dict[str, Any]:
    """Return seconds and peak memory of profiling and deciding, and the values without a fitting column."""
    started = time.monotonic()
    found: Profile = profile(SOURCE, [path])
    decided = design(found, SOURCE, Flags())
    seconds = time.monotonic() - started
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # ru_maxrss would include the parent's memory
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    lost = _without_column(path, decided) if with_values else 0
    return {"seconds": seconds, "peak_mb": peak, "lost": lost}


def _without_column(path: Path, decided: Design) -> int:
    """Return how many values have no column that holds them exactly, as the design says."""
    types = {tuple(split_pointer(column.path)): column.type for table in decided.tables for column in table.columns}
    with path.open(encoding="utf-8") as file:
        found = (each for line in file for each in traps.scalars(traps.parsed(line)))
        return sum(not _is_held(types, names, value) for names, value in found)


def _is_held(types: dict[tuple[str, ...], str], names: tuple[str, ...], value: Any) -> bool:
    for end in range(len(names), 0, -1):
        for path in _generalised(names[:end]):
            if path in types:
                return types[path] == JSON or (end == len(names) and _fits(types[path], value))
    return False


def _fits(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, str):
        return kind in TEXTS
    if kind in INTEGERS:
        return bool(int(value) == value and abs(value) < INTEGERS[kind])
    return kind == "numeric" or (kind == "double precision" and str(float(value)) == str(value))


def _generalised(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the paths that may lead to a value: a name may be that of any member of a map."""
    paths: list[tuple[str, ...]] = [()]
    for name in names:
        paths = [(*path, step) for path in paths for step in dict.fromkeys((name, "*"))]
    return paths
