"""The table `predictions.<task>_answers`: one row per prediction that the API has answered, of one shape for all tasks.

The trainer owns it, makes it and deletes old rows. The role api may add rows, and cannot read, change or delete any.
"""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from ml.errors import TableInUse
from ml.prediction_tables.shape import column_types
from ml.task import ANSWERS
from warehouse.connection import connection_parameters, cursor_of

LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
TABLE = """
create table {table} (
    prediction_id uuid primary key,
    answered_at timestamp with time zone not null,
    model_id uuid not null,
    key jsonb,
    features jsonb not null,
    probability double precision check (probability between 0 and 1),
    is_predicted_positive boolean,
    predicted_label text,
    probabilities jsonb
);
create index on {table} using brin (answered_at) with (autosummarize = on)
"""
COMMENTS = {
    "": "Predictions that the API answered; old ones are deleted",
    "answered_at": "When the API answered",
    "model_id": "Model that predicted",
    "key": "Key of the mart row whose features were read; null if the features were given",
    "features": "What the model was given; null is a missing value",
    "probability": "Probability of the positive label, of two",
    "is_predicted_positive": "True when the positive label is predicted, of two",
    "predicted_label": "The most probable of several labels",
    "probabilities": "Probability of each of several labels",
}
ALL = """
select relname::text
from pg_class
where relnamespace = to_regnamespace('predictions') and relkind = 'r' and right(relname, length(%(end)s)) = %(end)s
    and array['prediction_id', 'answered_at', 'model_id', 'features'] <@ array(
        select attname::text from pg_attribute where attrelid = pg_class.oid and not attisdropped
    )
order by relname
"""
IS_READY = """
select
    exists (select from pg_attribute where attrelid = relation and attname = 'prediction_id' and not attisdropped)
    and has_table_privilege(coalesce(%s, current_user), relation, 'insert')
from (select to_regclass(%s) as relation) as named
"""
DELETE = "delete from {} where answered_at < now() - make_interval(days => %s)"


def answers_table(task: str) -> sql.Identifier:
    """Return the name of the table for a statement."""
    return sql.Identifier("predictions", f"{task}{ANSWERS}")


def make_answers_table(task: str) -> None:
    """Make the table if it is missing, as the trainer, and let the role api add rows to it.

    Raises:
        TableInUse: another table or view has its name.
    """
    with cursor_of("trainer") as cursor:
        make_table(cursor, task)


def make_table(cursor: Any, task: str) -> None:
    """Make the table if it is missing, within the trainer's transaction; see `make_answers_table`."""
    api, table, name = connection_parameters("api").get("user"), answers_table(task), f"{task}{ANSWERS}"
    if _is_ready(cursor, table, api):
        return
    cursor.execute(LOCK, [f"predictions.{name}"])
    found = column_types(cursor, "predictions", name)
    if found and "prediction_id" not in found:
        raise TableInUse(
            f"predictions.{name} has other columns than the API's answers: rename or drop it, then run the same again"
        )
    if not found:
        cursor.execute(sql.SQL(TABLE).format(table=table))
        for column, text in COMMENTS.items():
            target = sql.Identifier("predictions", name, column) if column else table
            comment = sql.SQL("comment on {} {} is {}")
            cursor.execute(comment.format(sql.SQL("column" if column else "table"), target, sql.Literal(text)))
    if not _is_ready(cursor, table, api):
        cursor.execute(sql.SQL("grant insert on {} to {}").format(table, sql.Identifier(str(api))))


def _is_ready(cursor: Any, table: sql.Identifier, api: str | None) -> bool:
    """Return whether the table is there and the login that plays the role api may add rows; None is this login."""
    cursor.execute(IS_READY, [api, table.as_string(cursor)])
    return bool(cursor.fetchone()[0])


def tasks_with_answers(cursor: Any) -> list[str]:
    """Return the tasks that have a table of answers; they need not be declared any more."""
    cursor.execute(ALL, {"end": ANSWERS})
    return [name.removesuffix(ANSWERS) for (name,) in cursor.fetchall()]


def delete_old_answers(days: int) -> int:
    """Delete the answers of all tasks that are older than so many days, as the trainer; return how many there were."""
    with cursor_of("trainer") as cursor:
        deleted = 0
        for task in tasks_with_answers(cursor):
            cursor.execute(sql.SQL(DELETE).format(answers_table(task)), [days])
            deleted += cursor.rowcount
    return deleted
