"""Reads the types of a task's columns, and refuses a column that the task cannot use."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from ml.errors import NothingToLearn, TaskBroken
from ml.model_sources import has_model
from ml.task import Task
from warehouse.connection import cursor_of

COLUMN_TYPES = """
select attname, format_type(atttypid, null)
from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
INTEGERS = ("smallint", "integer", "bigint")
NUMBERS = (*INTEGERS, "numeric", "real", "double precision")
WITH_ZONE = "timestamp with time zone"
TIMES = ("date", "timestamp without time zone", WITH_ZONE)
TEXTS = ("text", "character varying", "character")
LABELS = ("boolean", *TEXTS, *INTEGERS)
BATCH = "_batch_id"  # the column of a mart that names the batch of a row's document, where the mart has it


def read_columns(task: Task) -> dict[str, str]:
    """Return column → type of the task's table, without lengths and precisions; empty if there is no such table."""
    with cursor_of("trainer") as cursor:
        cursor.execute(COLUMN_TYPES, [sql.SQL("marts.{}").format(sql.Identifier(task.table)).as_string(cursor)])
        return dict(cursor.fetchall())


def read_column_types(cursor: Any, task: Task) -> dict[str, str]:
    """Return column → type of the task's table, without lengths and precisions.

    Raises:
        NothingToLearn: there is no such table.
        TaskBroken: a column is missing, or has a type that the task cannot use.
    """
    cursor.execute(COLUMN_TYPES, [sql.SQL("marts.{}").format(sql.Identifier(task.table)).as_string(cursor)])
    types = dict(cursor.fetchall())
    if not types:
        if has_model(task.table):
            raise NothingToLearn(f"there is no table marts.{task.table}: run `make dbt`")
        raise NothingToLearn(
            f"there is no table marts.{task.table}, and dbt has no mart of this name: "
            f"correct `table` in ml/tasks/{task.task}.yml"
        )
    missing = [name for name in task.columns if name not in types]
    if missing:
        raise TaskBroken(f"marts.{task.table} has no column {', '.join(missing)}: correct ml/tasks/{task.task}.yml")
    uses: dict[str, tuple[str, tuple[str, ...], str]] = {task.label: ("the label", LABELS, "boolean, text or integer")}
    if task.split.time_column:
        uses[task.split.time_column] = ("time_column", TIMES, "date or timestamp")
    for name in task.numeric:
        uses[name] = ("a feature under `numeric`", (*NUMBERS, "boolean"), "a number or boolean")
    for name, (use, allowed, described) in uses.items():
        if types[name] not in allowed:
            raise TaskBroken(
                f"column {name} of marts.{task.table} is {types[name]}, but {use} must be {described}: "
                f"name another column in ml/tasks/{task.task}.yml, or change the mart"
            )
    return types


def key_text(key: list[str], *relation: str) -> sql.Composable:
    """Return the expression of a row's key, of a relation if it is named, as one text."""
    columns = sql.SQL(", ").join(sql.Identifier(*relation, name) for name in key)
    return sql.SQL("{}::text" if len(key) == 1 else "row({})::text").format(columns)


def in_utc(column: str, types: dict[str, str], *relation: str) -> sql.Composable:
    """Return the expression of a time, of a relation if it is named, in UTC."""
    time = sql.Identifier(*relation, column)
    return sql.SQL("({} at time zone 'UTC')").format(time) if types[column] == WITH_ZONE else time


def day_since_1970(time: sql.Composable) -> sql.Composable:
    """Return the expression of a finite time's day, as the number of days since 1970."""
    return sql.SQL("{}::date - date '1970-01-01'").format(time)
