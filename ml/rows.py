"""Reads a task's rows from the marts and hashes them, so that a model can be compared with the data it learnt from."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.errors import UndefinedColumn, UndefinedTable

from ml.errors import NothingToLearn
from ml.task import Task
from warehouse.connection import cursor_of

# Two sums of 64-bit hashes with different seeds: the order of the rows does not change them, any change in a row does.
# The series is a fence, see dbt_project/macros/planner/evaluated_once.sql: without it each text is computed twice.
# One pass over the table hashes the training rows (labelled, before the test months) and all rows, labelled or not.
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
where processed.model = %s and batches.landed > 0
order by 1
"""

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
        NothingToLearn: the table or a column is missing, or there is no labelled row.
    """
    try:
        with cursor_of("trainer") as cursor:
            rows, digest, table_digest = _read_hashes(cursor, task)
            cursor.execute(BATCHES, [task.table])
            batches = {batch: f"{source}: {name}" for batch, name, source in cursor.fetchall()}
    except (UndefinedTable, UndefinedColumn) as error:
        raise NothingToLearn(
            f"marts.{task.table} or one of its columns is missing: run `make dbt` ({error.pgcode})"
        ) from None
    if not rows:
        raise NothingToLearn(f"marts.{task.table} has no labelled row before {task.split.test_from}: load some first")
    return TrainingRows(rows, digest, table_digest, batches)


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
    """Return all rows as a pandas data frame: key, time, label (1, 0 or missing) and features as float or text."""
    import pandas as pd

    columns = sql.SQL(", ").join(map(sql.Identifier, task.columns))
    statement = sql.SQL("copy (select {} from marts.{} order by {}, {}) to stdout (format csv, header)").format(
        columns, sql.Identifier(task.table), sql.Identifier(task.time_column), sql.Identifier(task.key)
    )
    with cursor_of("trainer") as cursor, tempfile.TemporaryFile() as spool:
        cursor.copy_expert(statement.as_string(cursor), spool)
        spool.seek(0)
        frame = pd.read_csv(
            spool,
            dtype={**dict.fromkeys(task.numeric, "float64"), **dict.fromkeys(task.categorical, "object")},
            parse_dates=[task.time_column],
            keep_default_na=False,
            na_values={name: [""] for name in [*task.numeric, *task.categorical, task.label]},
        )
    frame[task.label] = frame[task.label].map({"t": 1.0, "f": 0.0})
    return frame
