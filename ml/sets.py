"""Divides a task's rows into the sets train, validation and test; the only place that does.

PostgreSQL computes the set of a row, so that the hash of the training rows and the rows that are read agree. It depends
on the row's values, the label's for a random split, and never on the order of the rows.
"""

from __future__ import annotations

from psycopg2 import sql

from ml.columns import TEXTS, in_utc, key_text
from ml.task import Task

SETS = ("train", "validation", "test")  # the numbers that the expressions return: 0, 1, 2

BY_TIME = """
case when {time} < {validation_from} then 0 when {time} < {test_from} then 1 when {time} is not null then 2 end
"""
# The hash of a group as a number from 0 to 1. Groups with a small one are for test, the next ones for validation.
BY_GROUP = """
case
    when {group} is null then null
    when {fraction} < {test_share} then 2
    when {fraction} < {test_share} + {validation_share} then 1
    else 0
end
"""
FRACTION = "((hashtextextended({group}::text, {seed}) & 9223372036854775807) / 9223372036854775807.0)::float8"
# The rows of each class in the order of their keys' hashes: the first are for test, the next ones for validation.
AT_RANDOM = """
case
    when {label} is null then null
    when {rank} <= {for_test} then 2
    when {rank} <= {for_test} + greatest(round({rows} * {validation_share}), 1) then 1
    else 0
end
"""
RANK = "row_number() over (partition by {label} order by hashtextextended({key}, {seed}), {key})"
ROWS = "count(*) over (partition by {label})"
FOR_TEST = "greatest(round({rows} * {test_share}), 1)"


def label_of(task: Task, types: dict[str, str], *relation: str) -> sql.Composable:
    """Return the expression of a row's label, of a relation if it is named; an empty text is not a label."""
    label = sql.Identifier(*relation, task.label)
    return sql.SQL("nullif({}, '')").format(label) if types[task.label] in TEXTS else label


def set_of(task: Task, types: dict[str, str]) -> sql.Composable:
    """Return the expression of a labelled row's set: an index of SETS, null for a row without time or group."""
    return {"time": _by_time, "group": _by_group, "random": _at_random}[task.split.kind](task, types)


def _by_time(task: Task, types: dict[str, str]) -> sql.Composable:
    column = task.split.time_column or ""
    time = in_utc(column, types)
    days = {"validation_from": task.split.validation_from, "test_from": task.split.test_from}
    return sql.SQL(BY_TIME).format(time=time, **{name: sql.Literal(day) for name, day in days.items()})


def _by_group(task: Task, types: dict[str, str]) -> sql.Composable:
    group = sql.Identifier(task.split.group_column or "")
    fraction = sql.SQL(FRACTION).format(group=group, seed=sql.Literal(task.seed))
    return sql.SQL(BY_GROUP).format(group=group, fraction=fraction, **_shares(task))


def _at_random(task: Task, types: dict[str, str]) -> sql.Composable:
    parts: dict[str, sql.Composable] = {
        "label": label_of(task, types),
        "key": key_text(task.key),
        "seed": sql.Literal(task.seed),
    }
    parts |= _shares(task)
    parts["rows"] = sql.SQL(ROWS).format(**parts)
    parts["rank"] = sql.SQL(RANK).format(**parts)
    parts["for_test"] = sql.SQL(FOR_TEST).format(**parts)
    return sql.SQL(AT_RANDOM).format(**parts)


def _shares(task: Task) -> dict[str, sql.Composable]:
    validation_share, test_share = task.split.shares
    return {"validation_share": sql.Literal(validation_share), "test_share": sql.Literal(test_share)}
