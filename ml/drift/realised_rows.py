"""Keeps predictions that were made before their label landed, and reads what became of all predictions since training.

A row counts as predicted if the document that it is made from landed after the row was scored. Where a mart does not
say which batch a row is from, none does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from psycopg2 import sql

from ml.columns import BATCH, day_since_1970, key_text, read_column_types
from ml.drift.since_training import day_of, month_of, rows_since_training, same_key
from ml.predict import Model
from ml.prediction_tables.shape import column_types, probability_columns, table_of
from ml.reading.binary_copy import Piece, Rows
from ml.reading.in_thread import taken_from
from ml.sets import label_of
from ml.task import BY_MODEL

KEEP = """
insert into predictions.realised_predictions (task, model_id, key, probabilities, scored_at, landed_at)
select {name}, scored.model_id, {key}, array[{probabilities}], scored.scored_at, batches.committed_at
from marts.{table} as mart
inner join ledger.batches on mart.{batch} = batches.batch_id
inner join {by_model} as scored on {is_same_row}
where scored.model_id::text = {model_id} and batches.committed_at > scored.scored_at and {is_since_training}
    and {label} is not null
on conflict do nothing
"""
IS_KEPT = "select exists (select from predictions.realised_predictions where task = %s)"
FORGET = """
delete from predictions.realised_predictions as kept
where task = {name} and not exists (
    select from marts.{table} as mart
    inner join {by_model} as scored on {is_same_row}
    where scored.model_id = kept.model_id and {key} = kept.key
)
"""
# As `ml.reading.binary_copy.Rows` takes it: two integers, then double precision, never null; no month is infinity.
READ = """
copy (
    select array_position({classes}::text[], {label}::text) - 1 as class, coalesce({block}, 0)::integer as block,
        coalesce(({month})::float8, 'infinity') as month,
        (kept.key is not null)::integer::float8 as is_predicted, {stored}
    from marts.{table} as mart
    inner join {by_model} as scored on {is_same_row} and scored.model_id::text = {model_id}
    left join predictions.realised_predictions as kept
        on kept.task = {name} and kept.model_id = scored.model_id and kept.key = {key}
    where {is_since_training} and {label}::text = any ({classes}::text[])
    order by month, is_predicted
) to stdout (format binary)
"""
STORED = "coalesce(kept.probabilities[{number}], {probability}, 'nan')::float8"
PIECE_ROWS = 20_000


@dataclass(frozen=True)
class Labelled:
    """The labelled rows of a month: each one's block, the number of its class, and the stored probabilities."""

    month: date | None
    is_predicted: bool
    blocks: Any
    labels: Any
    probabilities: Any


def keep_predictions(cursor: Any, model: Model) -> None:
    """Keep what a model predicted for rows whose label has landed since, before they are scored again."""
    types = read_column_types(cursor, model.task)
    scored = column_types(cursor, "predictions", f"{model.task.task}{BY_MODEL}")
    if BATCH in types and all(name in scored for name in model.task.key):
        cursor.execute(sql.SQL(KEEP).format(**_parts(model, types), batch=sql.Identifier(BATCH)))


def forget_predictions(cursor: Any, model: Model) -> None:
    """Delete what is kept of rows that are not in the mart any more, and of models whose predictions are gone."""
    cursor.execute(IS_KEPT, [model.task.task])
    if cursor.fetchone() == (True,):
        cursor.execute(sql.SQL(FORGET).format(**_parts(model, read_column_types(cursor, model.task))))


def read_realised(cursor: Any, model: Model) -> Iterator[Labelled]:
    """Yield the labelled rows since training by month, those that were predicted apart; one month is in memory."""
    types = read_column_types(cursor, model.task)
    group = model.task.split.group_column
    block = sql.SQL("hashtext({}::text)").format(sql.Identifier("mart", group)) if group else day_of(model, types)
    names = _probabilities(model)
    stored = [
        sql.SQL(STORED).format(number=sql.Literal(number), probability=name)
        for number, name in enumerate(names, start=1)
    ]
    statement = sql.SQL(READ).format(
        **_parts(model, types),
        month=day_since_1970(month_of(model, types)),
        block=block,
        classes=sql.Literal(list(model.classes)),
        stored=sql.SQL(", ").join(stored),
    )

    def push(take: Any) -> None:
        rows = Rows(2 + len(names), 0, PIECE_ROWS, take)
        cursor.copy_expert(statement.as_string(cursor), rows)
        rows.finish()

    with taken_from(cursor, push) as pieces:
        for rows in _months(pieces):
            first = rows[0].numbers
            month = None if first[0, 0] == float("inf") else date(1970, 1, 1) + timedelta(days=first[0, 0])
            yield _join(month, bool(first[0, 1]), rows)


def _months(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Yield the rows of each month, those that were predicted apart, as pieces or parts of pieces."""
    import numpy as np

    held: list[Piece] = []
    for piece in pieces:
        of_month = piece.numbers[:, :2]
        starts = np.flatnonzero((of_month[1:] != of_month[:-1]).any(axis=1)) + 1
        for first, after in pairwise([0, *starts.tolist(), len(piece)]):
            part = Piece(piece.sets[first:after], piece.blocks[first:after], piece.numbers[first:after], [])
            if held and (held[0].numbers[0, :2] != part.numbers[0, :2]).any():
                yield held
                held = []
            held.append(part)
    if held:
        yield held


def _join(month: date | None, is_predicted: bool, rows: list[Piece]) -> Labelled:
    import numpy as np

    return Labelled(
        month,
        is_predicted,
        np.concatenate([one.blocks for one in rows]).astype("int64"),
        np.concatenate([one.sets for one in rows]).astype("int64"),
        np.concatenate([one.numbers[:, 2:] for one in rows]).astype("float64"),
    )


def _probabilities(model: Model) -> list[sql.Identifier]:
    """Return the columns of the stored probabilities: of two classes the positive one's."""
    names = ["probability"] if model.is_binary else list(probability_columns(model.classes))
    return [sql.Identifier("scored", name) for name in names]


def _parts(model: Model, types: dict[str, str]) -> dict[str, sql.Composable]:
    """Return the parts that the statements share."""
    return {
        "name": sql.Literal(model.task.task),
        "model_id": sql.Literal(model.model_id),
        "table": sql.Identifier(model.task.table),
        "by_model": table_of(model.task.task),
        "key": key_text(model.task.key, "mart"),
        "is_same_row": same_key(model, "scored", "mart"),
        "probabilities": sql.SQL(", ").join(_probabilities(model)),
        "label": label_of(model.task, types, "mart"),
        "is_since_training": rows_since_training(model, types),
    }
