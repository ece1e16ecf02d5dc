"""Finds the mart rows that were made from a document, and what is predicted for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from loader.tracing.facts import DocumentId, MartRows, Prediction
from loader.tracing.snapshot import Snapshot

KEYED_TABLES = """
select
    pg_namespace.nspname::text,
    pg_class.relname::text,
    (
        select array_agg(pg_attribute.attname::text order by array_position(pg_constraint.conkey, pg_attribute.attnum))
        from pg_attribute
        where pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = any (pg_constraint.conkey)
    ),
    exists (
        select from pg_attribute
        where pg_attribute.attrelid = pg_class.oid and pg_attribute.attname = '_batch_id' and not attisdropped
    )
from pg_constraint
inner join pg_class on pg_constraint.conrelid = pg_class.oid
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where pg_constraint.contype = 'p' and pg_namespace.nspname in ('marts', 'predictions')
order by pg_namespace.nspname, pg_class.relname
"""


@dataclass(frozen=True)
class KeyedTable:
    """A table of marts or predictions with its primary key; `is_traceable` if its rows name their document."""

    schema: str
    name: str
    key: tuple[str, ...]
    is_traceable: bool

    def identifier(self) -> sql.Composable:
        """Return the qualified name for a statement."""
        return sql.Identifier(self.schema, self.name)

    def where_key(self) -> sql.Composable:
        """Return the condition that a row has a given key, with one placeholder per column."""
        return sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in self.key)


def keyed_tables(snapshot: Snapshot) -> list[KeyedTable]:
    """Return the tables of marts and predictions that have a primary key, in order of schema and name."""
    return [
        KeyedTable(schema, name, tuple(key), is_traceable)
        for schema, name, key, is_traceable in snapshot.rows(KEYED_TABLES)
    ]


def traceable_marts(tables: list[KeyedTable]) -> list[KeyedTable]:
    """Return the marts whose rows name the document they were made from."""
    return [table for table in tables if table.schema == "marts" and table.is_traceable]


def mart_rows(snapshot: Snapshot, document: DocumentId) -> tuple[MartRows, ...]:
    """Return the rows of each mart that were made from a document, with the predictions for a single row."""
    tables = keyed_tables(snapshot)
    found = []
    for mart in traceable_marts(tables):
        statement = sql.SQL("select {} from {} where _batch_id = %s and _position = %s order by 1").format(
            sql.SQL(", ").join(map(sql.Identifier, mart.key)), mart.identifier()
        )
        rows = snapshot.rows(statement, document)
        if rows:
            predictions = _predictions(snapshot, tables, mart, rows[0]) if len(rows) == 1 else ()
            found.append(MartRows(mart.name, tuple(map(str, rows[0])), len(rows), predictions))
    return tuple(found)


def _predictions(
    snapshot: Snapshot, tables: list[KeyedTable], mart: KeyedTable, key: tuple[Any, ...]
) -> tuple[Prediction, ...]:
    """Return what each table of predictions with the mart's key holds for one row."""
    found = []
    for table in tables:
        if table.schema != "predictions" or table.key != mart.key:
            continue
        statement = sql.SQL("select model_id::text, probability, is_stale from {} where {}").format(
            table.identifier(), table.where_key()
        )
        rows = snapshot.rows(statement, key) or [(None, None, False)]
        found += [Prediction(table.name, *row) for row in rows]
    return tuple(found)
