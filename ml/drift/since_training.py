"""Says which rows of a mart a model did not learn from, so that they can be compared with those that it did.

With a split by time they are the rows of the test set, from its first day on, whenever they arrived. With another split
they are the rows of batches that the mart did not hold at training.
"""

from __future__ import annotations

from psycopg2 import sql

from ml.columns import BATCH, day_since_1970, in_utc
from ml.predict import Model

FROM_DAY = "({time} >= {test_from} and isfinite({time}))"
OF_LATER_BATCH = "not (mart.{batch}::text = any ({batches}::text[]))"
DAY = "case when isfinite({time}) then {day} end"
LANDED_MONTH = """(
    select date_trunc('month', batches.committed_at at time zone 'UTC')::date from ledger.batches
    where batches.batch_id = mart.{batch}
)"""


def rows_since_training(model: Model, types: dict[str, str]) -> sql.Composable:
    """Return the condition on a row `mart` that the model did not learn from it; false if that cannot be known."""
    split = model.task.split
    if split.time_column:
        time = in_utc(split.time_column, types, "mart")
        return sql.SQL(FROM_DAY).format(time=time, test_from=sql.Literal(split.test_from))
    batches = list(model.manifest["batches"])
    if BATCH not in types or not batches:
        return sql.SQL("false")
    return sql.SQL(OF_LATER_BATCH).format(batch=sql.Identifier(BATCH), batches=sql.Literal(batches))


def day_of(model: Model, types: dict[str, str]) -> sql.Composable:
    """Return the expression of a row's day since 1970, in UTC; null for a split without a time."""
    column = model.task.split.time_column
    if not column:
        return sql.SQL("null::integer")
    time = in_utc(column, types, "mart")
    return sql.SQL(DAY).format(time=time, day=day_since_1970(time))


def month_of(model: Model, types: dict[str, str]) -> sql.Composable:
    """Return the expression of the first day of a row's month; without a time, of the month in which it landed."""
    column = model.task.split.time_column
    if column:
        return sql.SQL("date_trunc('month', {})::date").format(in_utc(column, types, "mart"))
    return sql.SQL(LANDED_MONTH).format(batch=sql.Identifier(BATCH)) if BATCH in types else sql.SQL("null::date")


def same_key(model: Model, one: str, other: str) -> sql.Composable:
    """Return the condition that two rows have the same key."""
    return sql.SQL(" and ").join(
        sql.SQL("{0} = {1}").format(sql.Identifier(one, name), sql.Identifier(other, name)) for name in model.task.key
    )


def describe_rows(model: Model) -> str:
    """Return which rows are compared, for people."""
    split = model.task.split
    return f"from {split.test_from} on" if split.time_column else "of batches that came after training"
