"""The marts' facts as files of cleaned, nested JSON: `data/processed/<mart>.json`, one array, one document a line."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import orjson
from sqlalchemy import Connection, Date, DateTime, func, inspect, select
from sqlalchemy.orm import Session

from expectations.row_versions import fingerprint_rows
from pipeline.errors import ExportRefused
from pipeline.export.documents import EXPORTS, Export, Member
from pipeline.export.marts_orm import SCHEMA, map_marts, references
from warehouse.connection import engine
from waybill.atomic_files import atomic_file, write_atomic
from waybill.cli import run
from waybill.settings import get_settings, relative_name

SCHEMAS = Path(__file__).with_name("schemas")
ROWS_A_FETCH = 10_000
TIMESTAMP = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'


@dataclass(frozen=True)
class ExportOutcome:
    """What the files hold now, which of them were written by this call, and how many rows that took."""

    rows: int
    summary: str
    written: tuple[str, ...]
    rows_written: int


def export() -> ExportOutcome:
    """Write the files whose marts have changed since they were written.

    1. all is read in one snapshot; 2. each document is checked against the mart's JSON Schema, their number against
    the mart's; 3. the file is put in place by a rename; 4. what it was made of is remembered beside it.

    Raises:
        ExportRefused: a document or the count is not as promised; the file of before stays.
    """
    folder = get_settings().processed_folder
    folder.mkdir(parents=True, exist_ok=True)
    marts = map_marts(engine("reader"))
    rows, written, rows_written = 0, [], 0
    with engine("reader").connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        for task in EXPORTS:
            if task.mart not in marts:
                raise ExportRefused(f"there is no table {SCHEMA}.{task.mart}: run `make dbt` first")
            state = _state(connection, task, marts)
            file = folder / f"{task.mart}.json"
            known = _remembered(file)
            if known.get("state") != state or not file.exists() or file.stat().st_size != known.get("bytes"):
                known = {"state": state, **_write(connection, task, marts, file)}
                write_atomic(_memory(file), json.dumps(known, indent=2))
                written.append(task.mart)
                rows_written += known["rows"]
            rows += known["rows"]
    news = f"wrote {', '.join(written)}" if written else "nothing new since the last export"
    return ExportOutcome(rows, f"{news}; {rows:,} documents in {relative_name(folder)}", tuple(written), rows_written)


def _write(connection: Connection, task: Export, marts: Mapping[str, Any], file: Path) -> dict[str, int]:
    """Write the file beside its place, check its count, then put it there."""
    rows = 0
    with atomic_file(file) as partial:
        with partial.open("wb") as handle:
            handle.write(b"[")
            for documents in _documents(connection, task, marts):
                handle.write(b"\n" if rows == 0 else b",\n")
                handle.write(b",\n".join(documents))
                rows += len(documents)
            handle.write(b"\n]\n")
        there = connection.scalar(select(func.count()).select_from(marts[task.mart]))
        if rows != there:
            raise ExportRefused(f"{rows:,} documents were made of {there:,} rows of {SCHEMA}.{task.mart}: run it again")
    return {"rows": rows, "bytes": file.stat().st_size}


def _documents(connection: Connection, task: Export, marts: Mapping[str, Any]) -> Iterator[list[bytes]]:
    """Yield the mart's documents as checked JSON texts, some thousands at a time, in the order of its key."""
    fact = marts[task.mart]
    known = references(fact)
    missing = task.members.keys() - known.keys()
    if missing:
        raise ExportRefused(
            f"{SCHEMA}.{task.mart} has no foreign key for {', '.join(sorted(missing))}: run `make dbt` to set it"
        )
    keys = {reference: known[reference][0] for reference in task.members}
    members = {
        reference: _members(connection, known[reference][1], columns) for reference, columns in task.members.items()
    }
    validator = jsonschema_rs.validator_for(json.loads(schema_file(task.mart).read_text()))
    query = select(*_texts(fact)).order_by(*inspect(fact).primary_key)
    with Session(connection) as session:
        streamed = session.execute(query, execution_options={"yield_per": ROWS_A_FETCH})
        for rows in streamed.mappings().partitions():
            documents = []
            for row in rows:
                nested = {name: members[name].get(row[key]) for name, key in keys.items()}
                document = task.build(row, nested)
                if not validator.is_valid(document):
                    _refuse(task, validator, document)
                documents.append(orjson.dumps(document))
            yield documents


def _members(connection: Connection, dimension: Any, columns: tuple[str, ...]) -> dict[Any, Member]:
    """Return key → the member's columns, for every member of a dimension."""
    (key,) = inspect(dimension).primary_key
    with Session(connection) as session:
        query = select(key, *(getattr(dimension, column) for column in columns))
        return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in session.execute(query)}


def _texts(mapped: Any) -> Iterator[Any]:
    """Yield the mapped columns; times as text, made by PostgreSQL in UTC."""
    for column in inspect(mapped).columns:
        if column.name.startswith("_"):
            continue
        if isinstance(column.type, DateTime):
            yield func.to_char(func.timezone("UTC", column), TIMESTAMP).label(column.name)
        elif isinstance(column.type, Date):
            yield func.to_char(column, "YYYY-MM-DD").label(column.name)
        else:
            yield column


def _refuse(task: Export, validator: Any, document: dict[str, Any]) -> None:
    error = next(iter(validator.iter_errors(document)))
    place = "/" + "/".join(str(part) for part in error.instance_path)
    raise ExportRefused(
        f"{SCHEMA}.{task.mart} {next(iter(document.values()))}: {place}: {error.message}; the file of before stays: "
        f"mend the mart, or pipeline/export/schemas/{schema_file(task.mart).name} if it is right"
    )


def schema_file(mart: str) -> Path:
    """Return the JSON Schema of a mart's documents."""
    return SCHEMAS / f"{mart}.schema.json"


def _state(connection: Connection, task: Export, marts: Mapping[str, Any]) -> str:
    """Return a digest of what the file is made of: the rows of fact and dimensions, the schema, this code."""
    digest = hashlib.blake2b(digest_size=16)
    for path in (schema_file(task.mart), Path(__file__), Path(__file__).with_name("documents.py")):
        digest.update(path.read_bytes())
    dimensions = [target.__table__ for _, target in references(marts[task.mart]).values()]
    tables = {f"{table.schema}.{table.name}" for table in (marts[task.mart].__table__, *dimensions)}
    digest.update(fingerprint_rows(connection, tables).encode())
    return digest.hexdigest()


def _memory(file: Path) -> Path:
    return file.with_name(f".{file.stem}.state")


def _remembered(file: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(_memory(file).read_text())
    except (OSError, ValueError):
        return {}
    return known


@click.command(
    help="Write the marts' facts to data/processed, where they changed.\n\nExample: python -m pipeline.export.export"
)
def main() -> None:
    """Export, and say what was written."""
    click.echo(f"export: {export().summary}")


if __name__ == "__main__":
    run(main, "python -m pipeline.export.export")
