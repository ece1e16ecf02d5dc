"""Reads a task's rows from the marts and hashes them, so that a model can be compared with the data it learnt from."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from ml.errors import NothingToLearn, TaskBroken
from ml.task import Task
from warehouse.connection import cursor_of

# Two sums of 64-bit hashes with different seeds: the order of the rows does not change them, any change in a row does.
# The series is a fence, see dbt_project/macros/planner/evaluated_once.sql: without it each text is computed twice.
# One pass over the table hashes the training rows (labelled, before the test months) and all rows, labelled or not.
COLUMN_TYPES = """
select attname, format_type(atttypid, null)
from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
TIMES = ("date", "timestamp without time zone", "timestamp with time zone")

HASHES = """
select count(*) filter (where is_training_row), sum(first) filter (where is_training_row)::text,
    sum(second) filter (where is_training_row)::text, count(*), sum(first)::text, sum(second)::text
from (
    select hashtextextended(content, 0) as first, hashtextextended(content, 1) as second, is_training_row
    from (
        select row({columns})::text as content, {label} is not null and {time} < %(before)s as is_training_row,
            - generate_series(1, 1) as _content
        from marts.{table}
    ) as row_texts
) as row_hashes
"""

BATCHES = """
select batches.batch_id::text, batches.input_name, batches.source
from ledger.named_batches as batches
inner join intermediate.processed_batches as processed on batches.batch_id = processed.batch_id
where processed.model = %(table)s and batches.landed > 0 and not exists (
    select from ledger.undone_batches as undone
    inner join intermediate.processed_batches as later on undone.undo_id = later.batch_id
    where undone.batch_id = batches.batch_id and later.model = %(table)s
)
order by 1
"""

COPY = "copy (select {} from marts.{} order by {}, {}) to stdout (format csv, header)"

# A batch whose documents are all duplicates, superseded or uncastable has not changed any row.
BATCHES_WITH_EFFECT = """
select distinct _batch_id::text
from intermediate.document_outcomes
where _batch_id = any(%s::uuid[]) and outcome in ('current', 'filtered')
"""


@dataclass(frozen=True)
class TrainingRows:
    """The number of training rows, their hash, the hash of the whole table, and the batches the table was built from.

    `batches` maps each batch id to the batch's source and input, for people to read.
    """

    rows: int
    digest: str
    table_digest: str
    batches: dict[str, str]


def hash_training_rows(task: Task) -> TrainingRows:
    """Hash the labelled rows before the test months, which fit or select a model, and the whole table.

    Raises:
        NothingToLearn: the table is missing, or there is no labelled row.
        TaskBroken: a column is missing, or has a type that the task cannot use.
    """
    with cursor_of("trainer") as cursor:
        _check_columns(_column_types(cursor, task), task)
        rows, digest, table_digest = _read_hashes(cursor, task)
        cursor.execute(BATCHES, {"table": task.table})
        batches = {batch: f"{source}: {name}" for batch, name, source in cursor.fetchall()}
    if not rows:
        raise NothingToLearn(f"marts.{task.table} has no labelled row before {task.split.test_from}: load some first")
    return TrainingRows(rows, digest, table_digest, batches)


def _column_types(cursor: Any, task: Task) -> dict[str, str]:
    """Return column → type of the task's table.

    Raises:
        NothingToLearn: there is no such table.
    """
    cursor.execute(COLUMN_TYPES, [sql.SQL("marts.{}").format(sql.Identifier(task.table)).as_string(cursor)])
    types = dict(cursor.fetchall())
    if not types:
        raise NothingToLearn(f"there is no table marts.{task.table}: run `make dbt`")
    return types


def _check_columns(types: dict[str, str], task: Task) -> None:
    file = f"ml/tasks/{task.task}.yml"
    missing = [name for name in task.columns if name not in types]
    if missing:
        raise TaskBroken(f"marts.{task.table} has no column {', '.join(missing)}: correct {file}")
    allowed = {task.label: ("boolean",), task.time_column: TIMES, **dict.fromkeys(task.numeric, (*NUMBERS, "boolean"))}
    for name, expected in allowed.items():
        if types[name] not in expected:
            *others, last = expected
            one_of = f"{', '.join(others)} or {last}" if others else last
            raise TaskBroken(
                f"column {name} of marts.{task.table} is {types[name]}, but {_use(task, name)} must be {one_of}: "
                f"name another column in {file}, or change the mart"
            )


def _use(task: Task, name: str) -> str:
    uses = {task.label: "the label", task.time_column: "time_column"}
    return uses.get(name, "a feature under `numeric`")


def _read_hashes(cursor: Any, task: Task) -> tuple[int, str, str]:
    """Return the number of training rows, their hash, and the hash of all rows."""
    names: dict[str, sql.Composable] = {
        "table": sql.Identifier(task.table),
        "label": sql.Identifier(task.label),
        "time": sql.Identifier(task.time_column),
        "columns": sql.SQL(", ").join(map(sql.Identifier, task.columns)),
    }
    cursor.execute("set local extra_float_digits = 1")
    cursor.execute(sql.SQL(HASHES).format(**names), {"before": task.split.test_from})
    found = cursor.fetchone()
    training, table = (hashlib.sha256(" ".join(map(str, sums)).encode()).hexdigest() for sums in (found[:3], found[3:]))
    return found[0], training, table


def find_changed_batches(learnt_from: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return the names of batches that can have changed a training row: new ones with an effect, and removed ones."""
    added = [batch for batch in now if batch not in learnt_from]
    with cursor_of("trainer") as cursor:
        cursor.execute(BATCHES_WITH_EFFECT, [added])
        with_effect = {batch for (batch,) in cursor.fetchall()}
    removed = [f"{name} (removed)" for batch, name in learnt_from.items() if batch not in now]
    return [*(now[batch] for batch in added if batch in with_effect), *removed]


def read_rows(task: Task) -> Any:
    """Return all rows as a pandas data frame: key, time in UTC, label (1, 0 or missing), features as float or text.

    Raises:
        NothingToLearn, TaskBroken: as `hash_training_rows` raises them; a number is infinite.
    """
    import numpy as np
    import pandas as pd

    with cursor_of("trainer") as cursor, tempfile.TemporaryFile() as spool:
        types = _column_types(cursor, task)
        _check_columns(types, task)
        columns = sql.SQL(", ").join(_selected(name, types[name], task) for name in task.columns)
        statement = sql.SQL(COPY).format(columns, *map(sql.Identifier, (task.table, task.time_column, task.key)))
        cursor.copy_expert(statement.as_string(cursor), spool)
        spool.seek(0)
        frame = pd.read_csv(
            spool,
            dtype={**dict.fromkeys(task.numeric, "float64"), **dict.fromkeys(task.categorical, "object")},
            keep_default_na=False,
            na_values={name: [""] for name in [*task.numeric, *task.categorical, task.label]},
        )
    frame[task.label] = frame[task.label].map({"t": 1.0, "f": 0.0})
    frame[task.time_column] = pd.to_datetime(frame[task.time_column], utc=True, format="ISO8601").dt.tz_localize(None)
    infinite = [name for name in task.numeric if np.isinf(frame[name]).any()]
    if infinite:
        raise TaskBroken(
            f"marts.{task.table} holds infinity in {', '.join(infinite)}: a model learns from numbers only"
        )
    return frame


def _selected(name: str, column_type: str, task: Task) -> sql.Composable:
    """Return the expression that reads a column: a boolean feature as 1 or 0."""
    column = sql.Identifier(name)
    is_flag = column_type == "boolean" and name in task.numeric
    return sql.SQL("cast({0} as integer) as {0}").format(column) if is_flag else column
