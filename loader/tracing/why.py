"""Answers what became of a source document, and where a mart's row comes from, out of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psycopg2 import DataError, sql

from loader.errors import CoordinateUnknown
from loader.reading.inputs import coordinate_name, identify
from loader.tracing.lineage import DocumentCoordinate, Snapshot, shown_time, story
from loader.tracing.marts import key_columns, traceable_marts
from warehouse.connection import connect

INPUTS = """
select inputs.input_id, inputs.name, inputs.next_position, inputs.is_complete
from ledger.inputs
where inputs.digest = %(digest)s or (
    %(digest)s is null
    and exists (
        select from ledger.input_names where input_names.input_id = inputs.input_id and input_names.name = %(name)s
    )
)
order by inputs.first_seen_at
"""

BATCHES = """
select inputs.source, inputs.name, batches.batch_id, batches.feed
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where
    batches.input_id = %(input_id)s
    and batches.first_position <= %(position)s
    and batches.next_position > %(position)s
    and (batches.landed + batches.rejected > 0 or batches.feed = 'kafka')
    and batches.feed <> 'replay'
order by batches.committed_at
"""

GAPS = """
select gaps.first_position, gaps.next_position, gaps.reason, gaps.accepted_at, runs.run_id, runs.command
from ledger.gaps
inner join ledger.runs on gaps.run_id = runs.run_id
where
    gaps.input_id = %(input_id)s
    and gaps.first_position <= %(position)s
    and gaps.next_position > %(position)s
order by gaps.accepted_at
"""

PLACE_OF_ROW = """
select inputs.source, inputs.name, batches.batch_id, batches.feed
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.batch_id = %s
"""


def why(coordinate: str) -> list[str]:
    """Return the story of the document at `FILE:POSITION` or `TOPIC:PARTITION:OFFSET`, a sentence a line.

    Raises:
        CoordinateUnknown: it is no coordinate, or nothing of it was ever landed, rejected or given up as lost.
    """
    name, _, position = coordinate.rpartition(":")
    if not name or not position.isdigit():
        raise CoordinateUnknown(
            f"{coordinate!r} is no coordinate: say FILE:POSITION, such as data/raw/raw.json:12, or TABLE KEY"
        )
    with _question() as question:
        return list(_of_coordinate(question, name, int(position)))


def why_row(table: str, key: tuple[str, ...]) -> list[str]:
    """Return the story of the document that a row of a mart, or a prediction, was made of.

    Raises:
        CoordinateUnknown: there is no such table or row, or no document behind it.
    """
    with _question() as question:
        return list(_of_row(question, table.rpartition(".")[2], key))


def _question() -> Snapshot:
    return Snapshot(connect("reader"))


def _of_coordinate(question: Snapshot, name: str, position: int) -> Iterator[str]:
    path = Path(name)
    shown = coordinate_name(path)
    at_hand = identify(path) if path.is_file() else None
    digest = at_hand.digest if at_hand else None
    known = question.rows(INPUTS, {"digest": digest, "name": shown})
    if not known and digest:
        known = question.rows(INPUTS, {"digest": None, "name": shown})
        if not known:
            raise CoordinateUnknown(f"{name}: this content was never loaded: `python -m loader load SOURCE {name}`")
        yield f"{name} has changed since it was loaded; what follows is told of what it held then"
    if not known:
        raise CoordinateUnknown(f"{name}: no such file, and no file or topic partition of this name was ever landed")
    told: list[tuple[str, list[str]]] = []
    empty: list[CoordinateUnknown] = []
    for input_id, first_name, *_ in known:  # more than one where a file holds several sources, or a topic was made anew
        asked = {"input_id": input_id, "position": position}
        for source, label, batch_id, feed in question.rows(BATCHES, asked):
            place = DocumentCoordinate(source, label, batch_id, feed, position, at_hand)
            try:
                told.append((first_name, list(story(question, place))))
            except CoordinateUnknown as error:
                empty.append(error)
        told += [(first_name, _loss(f"{first_name}:{position}", gap)) for gap in question.rows(GAPS, asked)]
    if told and told[0][0] != shown:
        yield f"{name} has the content of {told[0][0]}, which came first"
    for _, lines in told:
        yield from lines
    if not told and empty:
        raise empty[0]
    if not told and any(not is_complete and position >= behind for _, _, behind, is_complete in known):
        raise CoordinateUnknown(f"{name}:{position} is not landed yet: run its load or its consumer")
    if not told:
        raise CoordinateUnknown(f"{name}:{position}: the input ends before that position")


def _loss(coordinate: str, gap: tuple[Any, ...]) -> list[str]:
    first, behind, reason, accepted_at, run_id, command = gap
    return [
        f"{coordinate} was lost before it could be landed, in the gap from {first} to {behind - 1}: {reason}",
        f"the gap was accepted {shown_time(accepted_at)} by run {run_id} ({command})",
    ]


def _of_row(question: Snapshot, table: str, key: tuple[str, ...]) -> Iterator[str]:
    marts = traceable_marts(question)
    columns = key_columns(question, table)
    # what is computed from a mart, such as features and predictions, has its key
    mart = table if table in marts else next((mart for mart in marts if key_columns(question, mart) == columns), None)
    if not columns or mart is None:
        raise CoordinateUnknown(f"no table {table!r} with documents behind its rows: there are {', '.join(marts)}")
    if len(key) != len(columns):
        raise CoordinateUnknown(f"the key of {table} is {', '.join(columns)}: give {len(columns)} values in this order")
    statement = sql.SQL("select _batch_id, _position from marts.{} where {}").format(
        sql.Identifier(mart),
        sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns),
    )
    try:
        rows = question.rows(statement, list(key))
    except DataError as error:
        raise CoordinateUnknown(f"{', '.join(key)} is no key of {table}: {str(error).splitlines()[0]}") from None
    if not rows:
        raise CoordinateUnknown(f"{table} has no row {', '.join(key)}")
    batch_id, position = rows[0]
    if batch_id is None:
        yield f"marts.{mart} {', '.join(key)} is inferred: facts use the key, no document describes it"
        return
    yield f"marts.{mart} {', '.join(key)} is made of the document"
    for source, label, _, feed in question.rows(PLACE_OF_ROW, [batch_id]):
        yield from story(question, DocumentCoordinate(source, label, batch_id, feed, position))
