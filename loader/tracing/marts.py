"""Which marts can be traced to documents, by which keys, and what is predicted for their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from psycopg2 import sql

TRACEABLE_MARTS = """
select columns.table_name
from information_schema.columns
where columns.table_schema = 'marts' and columns.column_name = '_batch_id'
order by columns.table_name
"""

KEY_COLUMNS = """
select attribute.attname
from pg_constraint
inner join pg_attribute as attribute
    on pg_constraint.conrelid = attribute.attrelid and attribute.attnum = any (pg_constraint.conkey)
inner join pg_class as relation on pg_constraint.conrelid = relation.oid
where
    pg_constraint.contype = 'p'
    and relation.relname = %s
    and relation.relnamespace in (to_regnamespace('marts'), to_regnamespace('predictions'))
order by array_position(pg_constraint.conkey, attribute.attnum)
"""

PREDICTION_TABLES = """
select tables.table_name
from information_schema.tables
where tables.table_schema = 'predictions'
order by tables.table_name
"""


class Queries(Protocol):
    """What can be asked for the rows of a query."""

    def rows(self, statement: str | sql.Composable, values: Any = None) -> list[tuple[Any, ...]]:
        """Return them."""


def traceable_marts(question: Queries) -> list[str]:
    """Return the marts whose rows name the document that they were made of."""
    return [table for (table,) in question.rows(TRACEABLE_MARTS)]


def key_columns(question: Queries, table: str) -> list[str]:
    """Return the primary key of a table in the marts or the predictions; empty when there is none."""
    return [column for (column,) in question.rows(KEY_COLUMNS, [table])]


def mart_rows(question: Queries, batch_id: str, position: int) -> Iterator[str]:
    """Yield what marts hold of a document, with the predictions for it."""
    for mart in traceable_marts(question):
        keys = key_columns(question, mart)
        if not keys:
            continue
        statement = sql.SQL("select {} from marts.{} where _batch_id = %s and _position = %s order by 1").format(
            sql.SQL(", ").join(map(sql.Identifier, keys)), sql.Identifier(mart)
        )
        rows = question.rows(statement, [batch_id, position])
        if rows:
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            yield f"mart row marts.{mart}: {', '.join(map(str, rows[0]))}{more}"
        if len(rows) == 1:
            yield from _predictions(question, keys, rows[0])


def _predictions(question: Queries, keys: list[str], key: tuple[Any, ...]) -> Iterator[str]:
    for (table,) in question.rows(PREDICTION_TABLES):
        if key_columns(question, table) != keys:
            continue
        statement = sql.SQL("select probability, model_id, is_stale from predictions.{} where {}").format(
            sql.Identifier(table),
            sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in keys),
        )
        predicted = question.rows(statement, list(key))
        if not predicted:
            yield f"not in predictions.{table} yet: `make score` predicts what is new"
        for probability, model_id, is_stale in predicted:
            stale = ", which is stale: its training rows have changed since" if is_stale else ""
            yield f"prediction predictions.{table}: {probability:.3f} by model {model_id}{stale}"
