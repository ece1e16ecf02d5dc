"""Tells what became of one source document, from its coordinate to the marts, out of the warehouse alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from loader.errors import CoordinateUnknown
from loader.inputs import coordinate_name, identify
from warehouse.connection import connect

INPUTS = """
select distinct inputs.input_id, inputs.source, inputs.digest, inputs.name
from ledger.inputs
inner join ledger.input_names on inputs.input_id = input_names.input_id
where inputs.digest = %(digest)s or (%(digest)s is null and input_names.name = %(name)s)
"""

BATCHES = """
select batches.batch_id, batches.committed_at, runs.command, runs.run_id, batches.landed, batches.rejected
from ledger.batches
inner join ledger.runs on batches.run_id = runs.run_id
where batches.input_id = %s and batches.first_position <= %s and batches.next_position > %s
order by batches.committed_at
"""

REJECT = "select reason, detail, pointer, length from ledger.rejects where batch_id = %s and position = %s"

OUTCOME = """
select document_key, outcome, reason, surviving_batch_id, surviving_position
from intermediate.document_outcomes
where source = %s and _batch_id = %s and _position = %s
"""

NAME_OF_BATCH = """
select inputs.name
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.batch_id = %s
"""

TRACEABLE_MARTS = """
select columns.table_name
from information_schema.columns
where columns.table_schema = 'marts' and columns.column_name = '_batch_id'
order by columns.table_name
"""

PRIMARY_KEY = """
select attribute.attname
from pg_constraint
inner join pg_attribute as attribute
    on pg_constraint.conrelid = attribute.attrelid and attribute.attnum = any (pg_constraint.conkey)
where pg_constraint.contype = 'p' and pg_constraint.conrelid = format('marts.%%I', %s::text)::regclass
"""


def why(coordinate: str) -> list[str]:
    """Return the story of the document at `FILE:POSITION`, a sentence a line.

    Raises:
        CoordinateUnknown: it is no coordinate, or nothing of it was ever landed or rejected.
    """
    name, _, position = coordinate.rpartition(":")
    if not name or not position.isdigit():
        raise CoordinateUnknown(f"{coordinate!r} is no coordinate: say FILE:POSITION, such as data/raw/raw.json:12")
    connection = connect("reader")
    try:
        with connection:
            return list(_story(connection, name, int(position)))
    finally:
        connection.close()


def _story(connection: Connection, name: str, position: int) -> Iterator[str]:
    path = Path(name)
    digest = identify(path).digest if path.is_file() else None
    known = _all(connection, INPUTS, {"digest": digest, "name": coordinate_name(path)})
    if not known and digest:
        raise CoordinateUnknown(f"{name}: this content was never loaded: `python -m loader load SOURCE {name}`")
    if not known:
        raise CoordinateUnknown(f"{name}: no such file, and none of this name was ever loaded")
    is_found = False
    for input_id, source, _, first_name in known:  # more than one where a file holds several sources
        batches = _all(connection, BATCHES, [input_id, position, position])
        landed = [batch for batch in batches if batch[4] or batch[5]]
        is_found = is_found or bool(landed)
        if landed and first_name != coordinate_name(path):
            yield f"{name} has the content of {first_name}, which came first"
        for batch_id, committed_at, command, run_id, *_ in landed:
            yield f"{name}:{position} is source {source}, batch {batch_id}"
            yield f"committed {committed_at:%Y-%m-%d %H:%M:%S} UTC by run {run_id} ({command})"
            yield from _fate(connection, source, batch_id, position)
    if not is_found:
        raise CoordinateUnknown(f"{name}:{position}: the input ends before that position")


def _fate(connection: Connection, source: str, batch_id: str, position: int) -> Iterator[str]:
    for reason, detail, pointer, length in _all(connection, REJECT, [batch_id, position]):
        yield f"rejected: {reason}: {detail}{f' at {pointer}' if pointer else ''} ({length} bytes)"
        return
    row = sql.SQL("select _fingerprint, document from raw.{} where _batch_id = %s and _position = %s")
    found = _all(connection, row.format(sql.Identifier(source)).as_string(connection), [batch_id, position])
    if not found:
        raise CoordinateUnknown(f"position {position} holds no document: the line is blank")
    yield f"landed in raw.{source}, fingerprint {found[0][0]}"
    if not _all(connection, "select to_regclass('intermediate.document_outcomes')", [])[0][0]:
        yield "not yet transformed: run `make dbt`"
        return
    outcomes = _all(connection, OUTCOME, [source, batch_id, position])
    if not outcomes:
        yield "not yet transformed: run `make dbt`"
    for key, outcome, reason, surviving_batch, surviving_position in outcomes:
        yield f"{outcome}{f': {reason}' if reason else ''}{f', key {key}' if key else ''}"
        if surviving_batch:
            origin = _all(connection, NAME_OF_BATCH, [surviving_batch])[0][0]
            yield f"in its place stands {origin}:{surviving_position}"
        yield from _mart_rows(connection, batch_id, position)


def _mart_rows(connection: Connection, batch_id: str, position: int) -> Iterator[str]:
    for (table,) in _all(connection, TRACEABLE_MARTS, []):
        keys = [name for (name,) in _all(connection, PRIMARY_KEY, [table])]
        if not keys:
            continue
        statement = sql.SQL("select {} from marts.{} where _batch_id = %s and _position = %s order by 1").format(
            sql.SQL(", ").join(map(sql.Identifier, keys)), sql.Identifier(table)
        )
        rows = _all(connection, statement.as_string(connection), [batch_id, position])
        if rows:
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            yield f"mart row marts.{table}: {', '.join(map(str, rows[0]))}{more}"


def _all(connection: Connection, statement: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
