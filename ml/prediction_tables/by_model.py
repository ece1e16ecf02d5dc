"""The table `predictions.<task>_by_model`: one row per key and model; columns are added, and rows of others stay.

Its comment says from what each model's rows were made, so that nothing is scored twice.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import errors, sql

from ml.errors import TableInUse
from ml.prediction_tables.conversion import convert_older_table, in_use
from ml.prediction_tables.shape import Shape, column_types, primary_key, table_of
from ml.task import BY_MODEL
from warehouse.connection import cursor_of
from warehouse.migrations.workers import wait_in_transaction

LOCK_KEY = "select hashtextextended(%s, 0)"
TABLE = "create table {table} ({columns}, primary key ({key}, model_id))"
FIXED = "is_stale boolean not null, scored_at timestamp with time zone not null default now()"
PREDICTED = "alter table {table} add column if not exists {name} {type}"
PROBABILITY_CHECK = " check ({name} between 0 and 1)"
COPY = "copy {table} ({columns}) from stdin (format csv, force_not_null ({key}))"


@contextmanager
def changing_predictions(task: str) -> Iterator[Any]:
    """Give the trainer's cursor for one transaction, in which nobody else changes the predictions of the task.

    A table of an older layout is converted first, in a separate transaction.

    Raises:
        TableInUse: something that cannot be kept depends on the older table.
    """
    convert_older_table(task)
    with cursor_of("trainer") as cursor:
        cursor.execute(LOCK_KEY, [f"predictions.{task}"])
        key = cursor.fetchone()[0]  # type: ignore[index]
        wait_in_transaction(cursor, key, f"waiting for another command that writes predictions.{task}")
        yield cursor


def read_states(cursor: Any, task: str) -> dict[str, str]:
    """Return the id of each model that has rows → from what they were made."""
    cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", [table_of(task).as_string(cursor)])
    (comment,) = cursor.fetchone()
    try:
        return dict(json.loads(comment or "{}"))
    except ValueError:
        return {}


def make_room(cursor: Any, task: str, shape: Shape, model_id: str) -> None:
    """Make the table and its columns, and delete the rows that the model has in it."""
    _make_table(cursor, task, shape)
    cursor.execute(sql.SQL("delete from {} where model_id = %s").format(table_of(task)), [model_id])


def copy_rows(cursor: Any, task: str, shape: Shape, frame: Any) -> None:
    """Add the rows of a data frame with the columns that the shape says are written."""
    copy = sql.SQL(COPY).format(
        table=table_of(task),
        columns=sql.SQL(", ").join(map(sql.Identifier, shape.written)),
        key=sql.SQL(", ").join(map(sql.Identifier, shape.key)),
    )
    # Texts in quotes: pandas leaves out those around a carriage return, and COPY refuses it without.
    content = io.BytesIO(frame.to_csv(index=False, header=False, quoting=csv.QUOTE_NONNUMERIC).encode())
    cursor.copy_expert(copy.as_string(cursor), content)


def add_state(cursor: Any, task: str, model_id: str, state: str) -> None:
    """Write from what the rows of one model were made."""
    write_states(cursor, task, {**read_states(cursor, task), model_id: state})


def write_states(cursor: Any, task: str, states: dict[str, str]) -> None:
    """Write from what the rows of each model were made."""
    comment = sql.SQL("comment on table {} is {}").format(table_of(task), sql.Literal(json.dumps(states)))
    cursor.execute(comment)


def delete_others(cursor: Any, task: str, kept: list[str]) -> None:
    """Delete the rows of all models but these."""
    states = read_states(cursor, task)
    if gone := [model_id for model_id in states if model_id not in kept]:
        cursor.execute(sql.SQL("delete from {} where model_id = any(%s::uuid[])").format(table_of(task)), [gone])
        write_states(cursor, task, {model_id: state for model_id, state in states.items() if model_id in kept})


def _make_table(cursor: Any, task: str, shape: Shape) -> None:
    """Create the table, or add what it lacks; make it again if the rows have another key."""
    table, found = table_of(task), column_types(cursor, "predictions", f"{task}{BY_MODEL}")
    _, key = primary_key(cursor, table) or ("", [])
    if found and (key != [*shape.key, "model_id"] or any(found[name] != shape.types[name] for name in shape.key)):
        _drop(cursor, task)
        found = {}
    if not found:
        columns = [sql.SQL("{} {} not null").format(sql.Identifier(name), sql.SQL(shape.types[name]))
                   for name in [*shape.key, "model_id"]]  # fmt: skip
        names = sql.SQL(", ").join(map(sql.Identifier, shape.key))
        cursor.execute(
            sql.SQL(TABLE).format(table=table, columns=sql.SQL(", ").join([*columns, sql.SQL(FIXED)]), key=names)
        )
    for name in [name for name in shape.predicted if name not in found]:
        added = sql.SQL(PREDICTED).format(table=table, name=sql.Identifier(name), type=sql.SQL(shape.stored_type(name)))
        if name in shape.probabilities:
            added += sql.SQL(PROBABILITY_CHECK).format(name=sql.Identifier(name))
        cursor.execute(added)
        cursor.execute(
            sql.SQL("comment on column {} is {}").format(
                sql.Identifier("predictions", f"{task}{BY_MODEL}", name), sql.Literal(shape.comments.get(name))
            )
        )


def _drop(cursor: Any, task: str) -> None:
    """Drop the table and its view, whose key is another one now.

    Raises:
        TableInUse: something depends on them.
    """
    try:
        cursor.execute(sql.SQL("drop view if exists {}").format(sql.Identifier("predictions", task)))
        cursor.execute(sql.SQL("drop table {}").format(table_of(task)))
    except errors.DependentObjectsStillExist as error:
        raise has_other_columns(task, error) from None


def has_other_columns(task: str, error: errors.DependentObjectsStillExist) -> TableInUse:
    """Return the error that something depends on predictions that must get other columns."""
    change = "get other columns, because its task or the label's classes have changed"
    return in_use(task, change, str(error.diag.message_detail).splitlines()[0])
