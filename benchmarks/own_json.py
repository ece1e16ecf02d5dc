# waybill: sample
"""Compares what Waybill, dlt, DuckDB and genson keep of JSON documents full of traps, and their time and memory."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.flights_file import write_flights, write_repeated
from benchmarks.peers.environment import make_environment
from benchmarks.tables import print_table
from benchmarks.traps import documents as traps
from waybill.settings import PROJECT

PEERS = ["dlt[duckdb]==1.31.0", "duckdb==1.5.5", "genson==1.4.0"]
TOOLS = ("dlt", "duckdb", "genson")
LARGE_BYTES = 100_000_000
SCRIPT = PROJECT / "benchmarks" / "peers" / "json_schema_peers.py"
JSON_TYPES = {str: "string", bool: "boolean", int: "integer"}


def main() -> None:
    """Run each tool on the planted documents and on a file of 100 MB, and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", nargs=2, metavar=("FILE", "VALUES"), help="only profile one file, in this process")
    arguments = parser.parse_args()
    if arguments.ours:
        _ours(Path(arguments.ours[0]), arguments.ours[1] == "values")
        return
    print(f"{os.cpu_count()} cores, of which each tool has one; load average before: {os.getloadavg()[0]:.1f}")
    python = make_environment("own-json-peers", PEERS)
    with tempfile.TemporaryDirectory(prefix="waybill-own-json-") as folder:
        print("values that are lost or altered, of documents with one trap each:")
        print_table({"": 28, "Waybill": 12, **dict.fromkeys(TOOLS, 12)}, _kept(Path(folder), python))
        once, large = Path(folder, "once.ndjson"), Path(folder, "large.ndjson")
        write_flights(once, 12)
        write_repeated(large, once, LARGE_BYTES)
        print_table({"": 28, "seconds for 100 MB": 24, "peak MB": 12}, _speed(large, python))


def _kept(folder: Path, python: Path | None) -> Iterator[list[str]]:
    """Yield the row of each trap: how many values each tool lost of how many."""
    for trap in (*traps.TRAPS, *traps.LATE_TRAPS):
        planted = folder / "planted.ndjson"
        planted.write_text("".join(f"{line}\n" for line in traps.lines(trap)), encoding="utf-8")
        ours = _run(_command_of_ours(planted, "values"))
        yield [trap, ours.get("failed") or f"{ours['lost']:,}", *(_kept_by(tool, planted, python) for tool in TOOLS)]


def _kept_by(tool: str, planted: Path, python: Path | None) -> str:
    """Return how many values a tool lost or altered, or that it stopped."""
    if python is None:
        return "-"
    values = planted.with_suffix(".values")
    if "failed" in _run([str(python), str(SCRIPT), tool, str(planted), str(values)]):
        return "stops"
    kept = dict(json.loads(line) for line in _lines(values))
    return f"{_not_described(planted, kept['schema'][0]) if tool == 'genson' else _lost(planted, kept):,}"


def _speed(large: Path, python: Path | None) -> Iterator[list[str]]:
    commands = {"Waybill": _command_of_ours(large, "speed")}
    if python:
        commands |= {tool: [str(python), str(SCRIPT), tool, str(large)] for tool in TOOLS}
    for tool, command in commands.items():
        found = _run(command)
        yield [tool, found.get("failed", "")[:60] or f"{found['seconds']:.1f}", f"{found.get('peak_mb', 0):,}"]


def _lost(planted: Path, kept: dict[str, list[Any]]) -> int:
    """Return how many values a tool does not have any more."""
    documents = map(traps.parsed, _lines(planted))
    return sum(traps.missing(document, kept.get(str(document["trap_id"]), [])).total() for document in documents)


def _not_described(planted: Path, schema: Any) -> int:
    """Return how many values a schema does not describe with their type."""
    known = set(_types(schema, ()))
    found = (each for line in _lines(planted) for each in traps.scalars(traps.parsed(line)))
    return sum(
        (path, kind) not in known and (kind != "integer" or (path, "number") not in known)
        for path, kind in ((path, JSON_TYPES.get(type(value), "number")) for path, value in found)
    )


def _types(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for part in schema.get("anyOf", ()):
        yield from _types(part, path)
    types = schema.get("type", ())
    yield from ((path, name) for name in ([types] if isinstance(types, str) else types))
    for name, member in schema.get("properties", {}).items():
        yield from _types(member, (*path, name))
    if "items" in schema:
        yield from _types(schema["items"], (*path, "*"))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


def _command_of_ours(path: Path, what: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.own_json", "--ours", str(path), what]


def _run(command: list[str]) -> dict[str, Any]:
    """Run a command on one processor; return the JSON that it prints last, or its error."""
    variables = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        ["taskset", "-c", "0", *command], env=variables, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no error message"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _ours(path: Path, with_values: bool) -> None:
    from benchmarks.traps.ours import measure

    print(json.dumps(measure(path, with_values=with_values)))


if __name__ == "__main__":
    main()
