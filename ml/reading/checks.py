"""Refuses rows that no model can use: a null or repeated key, a number that is infinite or too large."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from ml.errors import TaskBroken
from ml.task import Task
from waybill.text import counted

COUNT = "select count(*), count(*) filter (where {key_is_null}) from marts.{table}"
REPEATED = """
select coalesce(sum(rows - 1), 0) from (select count(*) as rows from marts.{table} group by {key}) as rows_of_keys
"""
# A valid unique index on columns of the key, on all rows, proves that no key repeats.
IS_UNIQUE = """
select exists (
    select
    from pg_index
    where indrelid = to_regclass(%s) and indisunique and indisvalid and indpred is null and indexprs is null
        and (
            select bool_and(attname::text = any(%s))
            from unnest((indkey::int2[])[0:indnkeyatts - 1]) as number
            inner join pg_attribute on attrelid = indrelid and attnum = number
        )
)
"""


def count_rows(cursor: Any, task: Task) -> int:
    """Return the number of rows.

    Raises:
        TaskBroken: a key is null, or repeats.
    """
    key = [sql.Identifier(name) for name in task.key]
    is_null = sql.SQL(" or ").join(sql.SQL("{} is null").format(name) for name in key)
    cursor.execute(sql.SQL(COUNT).format(table=sql.Identifier(task.table), key_is_null=is_null))
    rows, nulls = cursor.fetchone()
    if nulls:
        raise TaskBroken(
            f"marts.{task.table} has {counted(nulls, 'row')} with null in the key {', '.join(task.key)}: name other"
            f" columns in ml/tasks/{task.task}.yml, or fill them in the mart"
        )
    cursor.execute(IS_UNIQUE, [sql.Identifier("marts", task.table).as_string(cursor), task.key])
    if not cursor.fetchone()[0]:
        _check_repeated(cursor, task, sql.SQL(", ").join(key))
    return int(rows)


def _check_repeated(cursor: Any, task: Task, key: sql.Composable) -> None:
    cursor.execute(sql.SQL(REPEATED).format(table=sql.Identifier(task.table), key=key))
    twice = int(cursor.fetchone()[0])
    if twice:
        raise TaskBroken(
            f"marts.{task.table} has {counted(twice, 'row')} with a key that another row has: correct `key` in"
            f" ml/tasks/{task.task}.yml so that {', '.join(task.key)} names each row once"
        )


def check_numbers(task: Task, numbers: Any) -> None:
    """Raise TaskBroken if a number is infinite or beyond the range of the 32-bit numbers that models learn from."""
    import numpy as np

    largest = float(np.finfo(np.float32).max)
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(numbers) > largest).any(axis=0)
    if not beyond.any():
        return
    is_infinite = np.isinf(numbers).any(axis=0)
    names = [name for name, is_one in zip(task.numeric, is_infinite, strict=True) if is_one]
    if names:
        raise TaskBroken(
            f"marts.{task.table} holds infinity in {', '.join(names)}: a model learns from numbers only, so leave it"
            f" out of ml/tasks/{task.task}.yml, or make it null in the mart"
        )
    names = [name for name, is_one in zip(task.numeric, beyond, strict=True) if is_one]
    raise TaskBroken(
        f"marts.{task.table} holds a number above 3.4e38 in {', '.join(names)}: a model learns from 32-bit numbers, so"
        f" leave it out of ml/tasks/{task.task}.yml, or divide it in the mart"
    )
