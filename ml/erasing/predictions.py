"""Deletes predictions, answers and figures of rows that are not in a mart any more, as the trainer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from psycopg2 import errors, sql

from ml.columns import COLUMN_TYPES, key_text
from ml.erasing.mart_rows import MartRows, hash_of, is_number
from ml.erasing.subjects import Subject
from ml.prediction_tables.answers import answers_table, tasks_with_answers
from ml.prediction_tables.shape import column_types, table_of
from ml.task import ANSWERS, BY_MODEL, Task

GONE = "not exists (select from marts.{table} as mart where {is_same_row})"
OF_TASK = "task = {task}"
REALISED = "predictions.realised_predictions"
# Of few rows, these figures would say what the values of each one are. The next `waybill score` measures them again.
FIGURES = ("predictions.model_drift", "predictions.realised_figures")
GIVEN = "case when pg_input_is_valid(stored.key ->> {name}, {type_name}) then (stored.key ->> {name})::{type} end"
HAS_FEATURES = """
array(select name from jsonb_object_keys(stored.features) as name order by name collate "C") = {names}
    and {hash} = any({hashes})
"""
NUMBER = """
case jsonb_typeof(stored.features -> {name})
    when 'number' then (stored.features ->> {name})::float8
    when 'boolean' then (stored.features ->> {name})::boolean::integer::float8
    else 'NaN'
end
"""
TEXT = "nullif(stored.features ->> {name}, '')"
NEAR_AN_ERASURE = """
exists (
    select from ledger.erasures
    where stored.answered_at between erased_at - interval '1 day'
        and coalesce(completed_at, 'infinity') + interval '1 day'
)
"""
UNKEYED = "select count(*) from {table} where key is null"
Condition = tuple[str, sql.Composable, sql.Composable]  # name and identifier of a table, condition on a row `stored`


def gone_rows(cursor: Any, subject: Subject, keys: Collection[str] | None = None) -> Iterator[Condition]:
    """Yield each table of schema predictions that has keys of the subject's rows, and when one is gone.

    With keys, which only a key of one column has, rows of other keys do not count.
    """
    types = _types(cursor, "marts", subject.table)
    table, name = sql.Identifier(subject.table), subject.key[0]
    by_model = column_types(cursor, "predictions", f"{subject.task}{BY_MODEL}")
    if set(subject.key) <= by_model.keys():
        same = [sql.SQL("mart.{0} = stored.{0}").format(sql.Identifier(name)) for name in subject.key]
        gone = sql.SQL(GONE).format(table=table, is_same_row=sql.SQL(" and ").join(same))
        of_keys = _of_keys(gone, sql.Identifier("stored", name), keys)
        yield f"predictions.{subject.task}{BY_MODEL}", table_of(subject.task), of_keys
    is_same = sql.SQL("{} = stored.key").format(key_text(subject.key, "mart"))
    gone = sql.SQL(GONE).format(table=table, is_same_row=is_same)
    of_task = sql.SQL("stored.task = {}").format(sql.Literal(subject.task))
    yield REALISED, sql.SQL(REALISED), _of_keys(sql.SQL(" and ").join([of_task, gone]), sql.SQL("stored.key"), keys)
    if subject.has_answers:
        answers = _answers_gone(subject.table, subject.key, types)
        answers = _of_keys(answers, _given(name, types[name]), keys)
        yield f"predictions.{subject.task}{ANSWERS}", answers_table(subject.task), answers


def delete_gone_rows(
    cursor: Any, subject: Subject, keys: Collection[str] | None = None
) -> tuple[dict[str, int], list[str]]:
    """Delete the rows whose key is not in the mart; return table → number, and a sentence for what cannot be compared.

    With keys, only rows of these keys go. The figures of the task go too, if it has lost a row.
    """
    deleted: dict[str, int] = {}
    unchecked: list[str] = []
    for name, table, gone in gone_rows(cursor, subject, keys):
        try:
            cursor.execute("savepoint of_table")
            cursor.execute(sql.SQL("delete from {} as stored where {}").format(table, gone))
            deleted[name] = cursor.rowcount
        except errors.UndefinedFunction:  # the key has another type now, so that the two cannot be compared
            cursor.execute("rollback to savepoint of_table")
            unchecked.append(f"{name} has keys of another type than marts.{subject.table}")
    if any(deleted.values()):
        forget_figures(cursor, subject.task)
    return deleted, unchecked


def count_gone_rows(cursor: Any, subject: Subject) -> dict[str, int]:
    """Return table of schema predictions → rows whose key is not in the mart."""
    found: dict[str, int] = {}
    for name, table, gone in gone_rows(cursor, subject):
        cursor.execute(sql.SQL("select count(*) from {} as stored where {}").format(table, gone))
        found[name] = cursor.fetchone()[0]
    return found


def delete_late_answers(cursor: Any, task: Task) -> int:
    """Delete answers of the days around an erasure about rows that are not in the mart; return how many there were.

    The API stores an answer a moment after it was given, and as long after as it has no database: an answer about an
    erased row may arrive when the erasure is complete.
    """
    if task.task not in tasks_with_answers(cursor):
        return 0
    gone = _answers_gone(task.table, task.key, _types(cursor, "marts", task.table))
    statement = sql.SQL("delete from {} as stored where {} and {}")
    cursor.execute(statement.format(answers_table(task.task), sql.SQL(NEAR_AN_ERASURE), gone))
    return int(cursor.rowcount)


def forget_figures(cursor: Any, task: str) -> None:
    """Delete the drift and the realised figures of a task, which the next `waybill score` measures again."""
    for table in FIGURES:
        cursor.execute(sql.SQL("delete from {} where {}").format(sql.SQL(table), sql.SQL(OF_TASK).format(
            task=sql.Literal(task))))  # fmt: skip


def delete_answers_with(cursor: Any, subject: Subject, before: MartRows, now: MartRows) -> int:
    """Delete the answers whose features are those of a row that is gone or has changed, and of no row that is there."""
    types = _types(cursor, "marts", subject.table)
    deleted = 0
    for features in subject.feature_sets:
        lost = before.lost_features(now, features)
        if not len(lost) or not set(features) <= types.keys():
            continue
        values = [
            sql.SQL(NUMBER if is_number(name, types) else TEXT).format(name=sql.Literal(name)) for name in features
        ]
        has_features = sql.SQL(HAS_FEATURES).format(
            names=sql.Literal(list(features)), hash=hash_of(values), hashes=sql.Literal(lost.tolist())
        )
        statement = sql.SQL("delete from {} as stored where {}")
        cursor.execute(statement.format(answers_table(subject.task), has_features))
        deleted += cursor.rowcount
    return deleted


def count_unkeyed_answers(cursor: Any, subject: Subject) -> int:
    """Return the number of answers whose features were given, without a key."""
    cursor.execute(sql.SQL(UNKEYED).format(table=answers_table(subject.task)))
    return int(cursor.fetchone()[0])


def _of_keys(condition: sql.Composable, key: sql.Composable, keys: Collection[str] | None) -> sql.Composable:
    if keys is None:
        return condition
    return sql.SQL("{} and ({})::text = any({})").format(condition, key, sql.Literal(list(keys)))


def _answers_gone(table: str, key: list[str], types: dict[str, str]) -> sql.Composable:
    """Return the condition that an answer is about a row, and that this row is not in the mart."""
    given = [
        sql.SQL("mart.{column} = {given}").format(column=sql.Identifier(name), given=_given(name, types[name]))
        for name in key
    ]
    gone = sql.SQL(GONE).format(table=sql.Identifier(table), is_same_row=sql.SQL(" and ").join(given))
    return sql.SQL("stored.key is not null and {}").format(gone)


def _given(name: str, column_type: str) -> sql.Composable:
    kind = sql.SQL(column_type)
    return sql.SQL(GIVEN).format(name=sql.Literal(name), type_name=sql.Literal(column_type), type=kind)


def _types(cursor: Any, schema: str, table: str) -> dict[str, str]:
    """Return column → type without lengths, as a cast may name it: `character` would have the length 1."""
    cursor.execute(COLUMN_TYPES, [sql.Identifier(schema, table).as_string(cursor)])
    return {name: "bpchar" if kind == "character" else kind for name, kind in cursor.fetchall()}
