"""Hashes the rows that a model learns from, so that the model can be compared with the data it learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from psycopg2 import sql

from ml.columns import BATCH, read_column_types
from ml.errors import NothingToLearn
from ml.sets import label_of, set_of
from ml.task import Task
from warehouse.connection import cursor_of

NO_BATCH = ""  # the name of rows, or of a whole mart, without a batch
BATCH_DIGITS = 32  # of a batch's digest in the manifest

# Two sums of 64-bit hashes with different seeds: the order of the rows does not change them, any change in a row does.
# The series is a fence, see dbt_project/macros/planner/evaluated_once.sql: without it each text is computed twice.
# One pass over the table hashes the training rows (labelled, of the sets train and validation) and all rows, by batch.
HASHES = """
select coalesce(batch::text, ''), count(*) filter (where is_training_row), sum(first) filter (where is_training_row),
    sum(second) filter (where is_training_row), count(*), sum(first), sum(second)
from (
    select batch, hashtextextended(content, 0) as first, hashtextextended(content, 1) as second, is_training_row
    from (
        select row({columns})::text as content, {label} is not null and {set} < 2 as is_training_row,
            {batch} as batch, - generate_series(1, 1) as _content
        from marts.{table}
    ) as row_texts
) as row_hashes
group by batch
"""
TABLES_OF_DBT = ("intermediate.processed_batches", "intermediate.document_outcomes")
MISSING = "select name from unnest(%s) as name where to_regclass(name) is null"
STATE = "select predictions.table_state(%s)"

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
# Of a mart that does not record what it has processed, the batches of its rows.
BATCHES_OF_ROWS = """
select batch_id::text, input_name, source
from ledger.named_batches
where batch_id::text = any(%s)
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

    `batches` maps each batch id to the batch's source and input, for people to read. `batch_digests` maps the batch of
    each training row's document to the number of these rows and their hash; the batch is empty where the mart names
    none. `table_state` is what `predictions.table_state` returned: it changes with every write to the table, and is
    None for a view.
    """

    rows: int
    digest: str
    table_digest: str
    batches: dict[str, str]
    batch_digests: dict[str, dict[str, Any]]
    table_state: str | None


class HashedTable(Protocol):
    """The state and the hash of a table, as training rows and checks have them."""

    @property
    def table_digest(self) -> str:
        """The hash of all rows."""

    @property
    def table_state(self) -> str | None:
        """What changes with every write; None for a view."""


class RowsChanged(Exception):
    """Raised when a table was written after it was hashed and before it is read: hash and read again."""


_read: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}  # what this process has hashed last
MAX_READ = 4


def hash_training_rows(task: Task) -> TrainingRows:
    """Hash the labelled rows of the sets train and validation, which fit or select a model, and the whole table.

    All queries see one state of the database. A table that this process has hashed, and that nobody has written since,
    is not read again.

    Raises:
        NothingToLearn: the table or a table of dbt is missing, or there is no labelled row.
        TaskBroken: a column is missing, or has a type that the task cannot use.
    """
    with cursor_of("trainer") as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        types = read_column_types(cursor, task)
        _require_tables_of_dbt(cursor)
        state = _read_state(cursor, task)
        sums = _read_sums(cursor, task, types, state)
        cursor.execute(BATCHES, {"table": task.table})
        named = cursor.fetchall()
        if not named:
            cursor.execute(BATCHES_OF_ROWS, [[row[0] for row in sums]])
            named = cursor.fetchall()
        batches = {batch: f"{source}: {name}" for batch, name, source in named}
    rows = sum(row[1] for row in sums)
    if not rows:
        before = f" before {task.split.test_from}" if task.split.test_from else " to learn from"
        raise NothingToLearn(f"marts.{task.table} has no labelled row{before}: load some first")
    return TrainingRows(
        rows=rows,
        digest=_digest(row[1:4] for row in sums),
        table_digest=_digest(row[4:] for row in sums),
        batches=batches,
        batch_digests={
            row[0]: {"rows": row[1], "digest": _digest([row[1:4]])[:BATCH_DIGITS]} for row in sums if row[1]
        },
        table_state=state,
    )


def _require_tables_of_dbt(cursor: Any) -> None:
    cursor.execute(MISSING, [list(TABLES_OF_DBT)])
    if missing := [name for (name,) in cursor.fetchall()]:
        raise NothingToLearn(f"dbt has not made {', '.join(missing)} in this database yet: run `make dbt`")


def expect_rows(cursor: Any, task: Task, expected: HashedTable) -> None:
    """Raise RowsChanged if the table is not as it was hashed, in the transaction in which its rows are then read."""
    state = _read_state(cursor, task)
    if state is None and expected.table_state is None:
        sums = _read_sums(cursor, task, read_column_types(cursor, task), None)
        is_same = _digest(row[4:] for row in sums) == expected.table_digest
    else:
        is_same = state == expected.table_state
    if not is_same:
        raise RowsChanged(f"marts.{task.table} was written after it was hashed")


def _read_state(cursor: Any, task: Task) -> str | None:
    cursor.execute(STATE, [task.table])
    (state,) = cursor.fetchone()
    return None if state is None else str(state)


def _read_sums(cursor: Any, task: Task, types: dict[str, str], state: str | None) -> list[tuple[Any, ...]]:
    """Return for each batch the number of training rows and the sums of their hashes, then the same of all rows."""
    statement = sql.SQL(HASHES).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, task.columns)),
        label=label_of(task, types),
        set=set_of(task, types),
        batch=sql.Identifier(BATCH) if BATCH in types else sql.SQL("null"),
        table=sql.Identifier(task.table),
    )
    info = cursor.connection.info
    read_from = (info.host, info.port, info.dbname, statement.as_string(cursor), state)
    if state is None or read_from not in _read:
        cursor.execute(statement)
        if len(_read) >= MAX_READ:
            _read.clear()
        _read[read_from] = sorted(cursor.fetchall())
    return _read[read_from]


def _digest(sums: Iterable[tuple[Any, ...]]) -> str:
    """Return the hash of rows from the sums of each batch, whatever the batches."""
    total = [sum(int(one or 0) for one in column) for column in zip(*sums, strict=True)]
    return hashlib.sha256(" ".join(map(str, total)).encode()).hexdigest()


def find_changed_batches(learnt_from: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return the names of batches that can have changed a training row: new ones with an effect, and removed ones."""
    added = [batch for batch in now if batch not in learnt_from]
    with cursor_of("trainer") as cursor:
        cursor.execute(BATCHES_WITH_EFFECT, [added])
        with_effect = {batch for (batch,) in cursor.fetchall()}
    removed = [f"{name} (removed)" for batch, name in learnt_from.items() if batch not in now]
    return [*(now[batch] for batch in added if batch in with_effect), *removed]
