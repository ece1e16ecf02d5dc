"""Reads a task's rows from the marts, and tells by an order-independent hash whether they are the same as before."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.errors import UndefinedColumn, UndefinedTable

from ml.errors import NothingToLearn
from ml.task import Task
from warehouse.connection import connect

# Two sums of 64-bit hashes with different seeds: the same for any order of the rows, another for any change in one.
# Taken in one pass over the table, of the labelled rows before the test and of all rows, labelled or not.
HASHED = """
select count(*) filter (where is_learnt), sum(first) filter (where is_learnt)::text,
    sum(second) filter (where is_learnt)::text, count(*), sum(first)::text, sum(second)::text
from (
    select hashtextextended(content, 0) as first, hashtextextended(content, 1) as second, is_learnt
    from (
        select row({columns})::text as content, {label} is not null and {time} < %(before)s as is_learnt
        from marts.{table}
        offset 0
    ) as spelled
) as hashed
"""

BATCHES = """
select batches.batch_id::text, inputs.name, batches.source
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
inner join intermediate.consumed_batches as consumed on batches.batch_id = consumed.batch_id
where consumed.model = %s and batches.landed > 0
order by 1
"""

# a batch whose documents are all duplicates, superseded or uncastable has changed no row
CHANGING = """
select distinct _batch_id::text
from intermediate.document_outcomes
where _batch_id = any(%s::uuid[]) and outcome in ('current', 'filtered')
"""


@dataclass(frozen=True)
class TrainingRows:
    """How many rows a model learns from, their hash, that of all rows, and the batches that the table was made of."""

    rows: int
    digest: str
    table_digest: str
    batches: dict[str, str]


def training_rows(task: Task) -> TrainingRows:
    """Hash the rows before the test, all of which choose or fit a model, and the whole table.

    Raises:
        NothingToLearn: the table or a column is missing, or there is no row.
    """
    connection = connect("trainer")
    try:
        with connection, connection.cursor() as cursor:
            rows, digest, table_digest = _hashed(cursor, task)
            cursor.execute(BATCHES, [task.table])
            batches = {batch: f"{source}: {name}" for batch, name, source in cursor.fetchall()}
    except (UndefinedTable, UndefinedColumn) as error:
        raise NothingToLearn(
            f"marts.{task.table} is not there as the task needs it: run `make dbt` ({error.pgcode})"
        ) from None
    finally:
        connection.close()
    if not rows:
        raise NothingToLearn(f"marts.{task.table} has no labelled row before {task.split.test_from}: load some first")
    return TrainingRows(rows, digest, table_digest, batches)


def _hashed(cursor: Any, task: Task) -> tuple[int, str, str]:
    """Return count and hash of the labelled rows before the test, and the hash of all rows."""
    parts: dict[str, sql.Composable] = {
        "table": sql.Identifier(task.table),
        "label": sql.Identifier(task.label),
        "time": sql.Identifier(task.time_column),
        "columns": sql.SQL(", ").join(map(sql.Identifier, task.columns)),
    }
    cursor.execute("set local extra_float_digits = 1")
    cursor.execute(sql.SQL(HASHED).format(**parts), {"before": task.split.test_from})
    found = cursor.fetchone()
    learnt, table = (hashlib.sha256(" ".join(map(str, sums)).encode()).hexdigest() for sums in (found[:3], found[3:]))
    return found[0], learnt, table


def batches_that_changed(learnt_from: dict[str, str], now: dict[str, str]) -> list[str]:
    """Name the batches that can have changed a training row since: those that came and count, and those that went."""
    came = [batch for batch in now if batch not in learnt_from]
    connection = connect("trainer")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(CHANGING, [came])
            changing = {batch for (batch,) in cursor.fetchall()}
    finally:
        connection.close()
    gone = [f"{name} (gone)" for batch, name in learnt_from.items() if batch not in now]
    return [*(now[batch] for batch in came if batch in changing), *gone]


def read_rows(task: Task) -> Any:
    """Return all rows as a pandas data frame: key, time, label (1, 0 or missing) and features as float or text."""
    import pandas as pd

    columns = sql.SQL(", ").join(map(sql.Identifier, task.columns))
    statement = sql.SQL("copy (select {} from marts.{} order by {}, {}) to stdout (format csv, header)").format(
        columns, sql.Identifier(task.table), sql.Identifier(task.time_column), sql.Identifier(task.key)
    )
    connection = connect("trainer")
    try:
        with connection, connection.cursor() as cursor, tempfile.TemporaryFile() as spool:
            cursor.copy_expert(statement.as_string(connection), spool)
            spool.seek(0)
            frame = pd.read_csv(
                spool,
                dtype={**dict.fromkeys(task.numeric, "float64"), **dict.fromkeys(task.categorical, "object")},
                parse_dates=[task.time_column],
                keep_default_na=False,
                na_values={name: [""] for name in [*task.numeric, *task.categorical, task.label]},
            )
    finally:
        connection.close()
    frame[task.label] = frame[task.label].map({"t": 1.0, "f": 0.0})
    return frame
