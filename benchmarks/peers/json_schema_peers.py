# waybill: sample
"""Reads a file of JSON documents with dlt, DuckDB or genson, with their defaults. Runs in the peers' environment."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ID = "trap_id"  # of the planted documents: the peers' values are compared by it


def main(tool: str, path: str, values: str = "") -> None:
    """Read the file; print seconds, peak memory and version as JSON.

    `values` names a file for the scalars that the tool keeps of each document: identifier and values, a line each.
    """
    importlib.import_module(tool)  # the time of starting up is not counted
    started = time.monotonic()
    kept = {"duckdb": _duckdb, "dlt": _dlt, "genson": _genson}[tool](path, bool(values))
    seconds = time.monotonic() - started
    if values:
        with Path(values).open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps([number, found], default=str)}\n" for number, found in kept.items())
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # ru_maxrss would include the parent's memory
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "version": importlib.metadata.version(tool)}))


def _duckdb(path: str, keeps: bool) -> dict[str, list[Any]]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads to 1")
    connection.execute("create table documents as select * from read_json(?)", [path])
    if not keeps:
        return {}
    rows = connection.execute("select to_json(documents)::varchar from documents").fetchall()
    documents = [json.loads(text, parse_float=str, parse_int=str) for (text,) in rows]
    return {str(document[ID]): list(_scalars(document)) for document in documents}


def _dlt(path: str, keeps: bool) -> dict[str, list[Any]]:
    import dlt

    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/warehouse.duckdb"
        destination = dlt.destinations.duckdb(database)
        pipeline = dlt.pipeline("documents", pipelines_dir=folder, destination=destination, dataset_name="kept")
        pipeline.run(_documents(path), table_name="documents")
        return _rows_of_dlt(database) if keeps else {}


def _documents(path: str) -> Iterator[Any]:
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _rows_of_dlt(database: str) -> dict[str, list[Any]]:
    """Return the values of all tables by document: child rows name their parent row."""
    import duckdb

    connection = duckdb.connect(database)
    names = connection.execute("select table_name from duckdb_tables() where schema_name = 'kept'").fetchall()
    owner: dict[str, str] = {}
    kept: dict[str, list[Any]] = defaultdict(list)
    for name in sorted((name for (name,) in names if not name.startswith("_dlt")), key=lambda name: name.count("__")):
        found = connection.execute(f'select * from kept."{name}"')
        columns = [column[0] for column in found.description or ()]
        for row in (dict(zip(columns, values, strict=True)) for values in found.fetchall()):
            number = row.get(ID) if name == "documents" else owner[row["_dlt_parent_id"]]
            owner[row["_dlt_id"]] = str(number)
            kept[str(number)] += [value for column, value in row.items() if not column.startswith("_dlt")]
    return {number: list(_scalars(values)) for number, values in kept.items()}


def _genson(path: str, keeps: bool) -> dict[str, list[Any]]:
    from genson import SchemaBuilder

    builder = SchemaBuilder()
    for document in _documents(path):
        builder.add_object(document)
    return {"schema": [builder.to_schema()]} if keeps else {}


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _scalars(member)
    elif isinstance(value, list):
        for element in value:
            yield from _scalars(element)
    elif value is not None:
        yield value


if __name__ == "__main__":
    main(*sys.argv[1:])
