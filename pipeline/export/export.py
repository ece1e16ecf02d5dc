"""Writes the marts' facts as cleaned, nested JSON: one array per file, `data/processed/<mart>.json`."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import orjson
from sqlalchemy import Connection, Select, func, select
from sqlalchemy.orm import Session

from pipeline.errors import ExportRefused
from pipeline.export.documents import Documents
from pipeline.export.marts_orm import SCHEMA, map_marts, references
from pipeline.export.shapes import SHAPES, Shape, read_shapes
from warehouse.connection import engine
from warehouse.unchanged.digest import digest_state
from warehouse.unchanged.made_files import find_made, record_of, remember_made
from waybill.atomic_files import atomic_file
from waybill.cli import run, shown_command
from waybill.json_pointers import join_pointer
from waybill.observing.work import observed
from waybill.settings import get_settings, relative_name
from waybill.text import counted

SCHEMAS = Path(__file__).with_name("schemas")
PACKAGES = ("orjson", "sqlalchemy")  # that write what PostgreSQL returns
PORTION = 1_000  # documents that are written together


@dataclass(frozen=True)
class ExportResult:
    """How many rows the files hold, which files this call wrote, and how many rows it wrote."""

    rows: int
    summary: str
    written: tuple[str, ...]
    rows_written: int


def export() -> ExportResult:
    """Write the files whose marts have changed since the last export.

    1. Everything is read in one snapshot. 2. Each document is checked against the mart's JSON Schema, and their number
    against the mart's row count. 3. A rename puts the file in place. 4. A digest of its inputs is stored beside it.

    A mart whose table does not exist is named and left out, so that one source can be built and exported alone.

    Raises:
        ExportRefused: a document breaks the schema, or the count differs: the previous file stays. Or no mart exists.
    """
    folder = get_settings().processed_folder
    folder.mkdir(parents=True, exist_ok=True)
    shapes = read_shapes()
    if not shapes:
        nothing = f"nothing to export: `{shown_command('new NAME FILE')}` declares shapes of documents"
        return ExportResult(0, nothing, (), 0)
    marts = map_marts(engine("reader"))
    missing = [shape.mart for shape in shapes if shape.mart not in marts]
    if len(missing) == len(shapes):
        raise ExportRefused(f"there is no table {SCHEMA}.{', '.join(missing[:1])}: run `make dbt` first")
    rows, written, rows_written = 0, [], 0
    with engine("reader").connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        for shape in shapes:
            if shape.mart in missing:
                continue
            state = _digest(connection, shape, marts)
            file = folder / f"{shape.mart}.json"
            if (known := find_made(file, state)) is None:
                with observed("export", shape.mart, file=str(file)) as work:
                    known = {"state": state, **_write(connection, shape, marts, file)}
                    work.found |= known
                remember_made(file, **known)
                written.append(shape.mart)
                rows_written += known["rows"]
            rows += known["rows"]
    change = f"wrote {', '.join(written)}" if written else "nothing new since the last export"
    rest = f"; not built yet: {', '.join(missing)}" if missing else ""
    summary = f"{change}; {counted(rows, 'document')} in {relative_name(folder)}{rest}"
    return ExportResult(rows, summary, tuple(written), rows_written)


def _write(connection: Connection, shape: Shape, marts: Mapping[str, Any], file: Path) -> dict[str, int]:
    """Write a temporary file, check its count, then rename it to `file`."""
    rows = 0
    with atomic_file(file) as partial:
        with partial.open("wb") as handle:
            handle.write(b"[")
            for documents in _documents(connection, shape, marts):
                handle.write(b"\n" if rows == 0 else b",\n")
                handle.write(b",\n".join(documents))
                rows += len(documents)
            handle.write(b"\n]\n")
        mart_rows = connection.scalar(_count(shape, marts[shape.mart])) or 0
        if rows != mart_rows:
            raise ExportRefused(
                f"{counted(rows, 'document')}, but {SCHEMA}.{shape.mart} has {counted(mart_rows, 'row')}: run it again"
            )
    return {"rows": rows, "bytes": file.stat().st_size}


def _count(shape: Shape, mart: Any) -> Select[int]:
    """Return the query that counts the rows that have a document."""
    query = select(func.count()).select_from(mart)
    return query if shape.without is None else query.where(mart.__table__.c[shape.without].is_not(True))


def _documents(connection: Connection, shape: Shape, marts: Mapping[str, Any]) -> Iterator[list[bytes]]:
    """Yield the mart's documents as validated JSON, some thousands at a time, in the order of its key."""
    validator = _validator(shape.mart)
    with Session(connection) as session:
        documents = Documents(session, shape, marts)
        has_json = documents.has_json
        lines: list[bytes] = []
        for key, document in documents:
            line = orjson.dumps(document)
            instance = _read_written(line) if has_json else document
            if not validator.is_valid(instance):
                _refuse(shape, key, next(iter(validator.iter_errors(instance))))
            lines.append(line)
            if len(lines) == PORTION:
                yield lines
                lines = []
        if lines:
            yield lines


def _read_written(line: bytes) -> Any:
    """Return a document read from its JSON, for checks: it has parts that Python has not read."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:  # a number beyond the range of doubles
        return json.loads(line, parse_int=Decimal, parse_float=Decimal)


def _validator(mart: str) -> Any:
    file = schema_file(mart)
    try:
        return jsonschema_rs.validator_for(json.loads(file.read_bytes()))
    except FileNotFoundError:
        raise ExportRefused(f"{relative_name(file)} is missing: describe the documents of {mart} there") from None
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise ExportRefused(f"{relative_name(file)} is not a JSON Schema: {reason}; correct it") from None


def _refuse(shape: Shape, key: Any, error: Any) -> None:
    raise ExportRefused(
        f"{SCHEMA}.{shape.mart} {key}: {join_pointer(error.instance_path) or '/'}: {error.message}; "
        f"the previous file stays: fix the mart, or pipeline/export/schemas/{schema_file(shape.mart).name} "
        "if the mart is right"
    )


def schema_file(mart: str) -> Path:
    """Return the JSON Schema of a mart's documents."""
    return SCHEMAS / f"{mart}.schema.json"


def _digest(connection: Connection, shape: Shape, marts: Mapping[str, Any]) -> str:
    """Return a digest of all that the file depends on: the rows of all marts in it, shape, schema and this code."""
    known = references(marts[shape.mart])
    dimensions = {known[name][1].__table__.name for name in shape.members.keys() & known.keys()}
    names = {shape.mart, *dimensions, *(shape.children.keys() & marts.keys())}
    files = [schema_file(shape.mart), shape.file, *Path(__file__).parent.glob("*.py")]
    return digest_state(connection, {f"{SCHEMA}.{name}" for name in names}, files, packages=PACKAGES)


def exported_files(folder: Path) -> list[Path]:
    """Return the files of a folder that an export has written: of a shape, or with its digest beside them."""
    declared = {shape.stem for shape in SHAPES.glob("*.yml")}
    return [file for file in folder.glob("*.json") if file.stem in declared or record_of(file).exists()]


@click.command(
    help="Example: python -m pipeline.export.export\n\nWrite the facts of the marts that changed to data/processed."
)
def main() -> None:
    """Export, and print what was written."""
    click.echo(f"export: {export().summary}")


if __name__ == "__main__":
    run(main, "python -m pipeline.export.export")
