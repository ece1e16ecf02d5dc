"""Finds the mart rows that were made from a document, and what is predicted for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from loader.tracing.facts import DocumentId, MartRows, Prediction
from loader.tracing.snapshot import Snapshot

# Predictions are a view of the current model's rows, on a table whose key also has the model. The API's answers, whose
# key is the prediction, do not belong to rows of a mart.
KEYED_TABLES = """
with keys as (
    select
        pg_namespace.nspname::text as table_schema,
        pg_class.relname::text as table_name,
        pg_class.oid as relation,
        (
            select
                array_agg(
                    pg_attribute.attname::text order by array_position(pg_constraint.conkey, pg_attribute.attnum)
                )
            from pg_attribute
            where pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = any (pg_constraint.conkey)
        ) as key
    from pg_constraint
    inner join pg_class on pg_constraint.conrelid = pg_class.oid
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    where pg_constraint.contype = 'p' and pg_namespace.nspname in ('marts', 'predictions')
),

predicting_views as (
    select keys.table_schema, views.relname::text, views.oid, array_remove(keys.key, 'model_id')
    from keys
    inner join pg_class as views on keys.table_name = views.relname || '_by_model' and views.relkind = 'v'
    where keys.table_schema = 'predictions' and views.relnamespace = 'predictions'::regnamespace
),

named as (
    select * from keys where not (table_schema = 'predictions' and key && array['model_id', 'prediction_id'])
    union all
    select * from predicting_views
)

select
    table_schema,
    table_name,
    key,
    exists (
        select from pg_attribute where attrelid = relation and attname = '_position' and not attisdropped
    ),
    (
        select substring(col_description(relation, attnum) from ' on marts[.]([[:alnum:]_]+)$')
        from pg_attribute where attrelid = relation and attname = 'model_id' and not attisdropped
    )
from named
order by table_schema, table_name
"""

CHECK = """
select is_stale, checked_at, is_outdated or table_state is distinct from predictions.table_state(mart)
from predictions.model_checks
where model_id::text = %s
"""


@dataclass(frozen=True)
class KeyedTable:
    """A table of marts or view of predictions with its key; `is_traceable` if its rows name their document.

    `predicts` is the mart that predictions are about; None for a mart, and for predictions that do not say it.
    """

    schema: str
    name: str
    key: tuple[str, ...]
    is_traceable: bool
    predicts: str | None = None

    def identifier(self) -> sql.Composable:
        """Return the qualified name for a statement."""
        return sql.Identifier(self.schema, self.name)

    def where_key(self) -> sql.Composable:
        """Return the condition that a row has a given key, with one placeholder per column."""
        return sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in self.key)


def keyed_tables(snapshot: Snapshot) -> list[KeyedTable]:
    """Return the tables of marts with a primary key, and the predictions, in order of schema and name."""
    return [
        KeyedTable(schema, name, tuple(key), is_traceable, predicts)
        for schema, name, key, is_traceable, predicts in snapshot.rows(KEYED_TABLES)
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


def marts_of(table: KeyedTable, tables: list[KeyedTable]) -> list[KeyedTable]:
    """Return the marts with the key of a table; of predictions only the mart that they are about, if it is traceable.

    A table that is computed from a mart, such as features, has the mart's key, and its rows do not name a document.
    """
    marts = traceable_marts(tables)
    about = [mart for mart in marts if mart.name == table.predicts]
    return [mart for mart in about or marts if set(mart.key) == set(table.key)]


def _predictions(
    snapshot: Snapshot, tables: list[KeyedTable], mart: KeyedTable, key: tuple[Any, ...]
) -> tuple[Prediction, ...]:
    """Return what each table of predictions about the mart holds for one row."""
    found = []
    values = dict(zip(mart.key, key, strict=True))
    for table in tables:
        if table.schema != "predictions" or mart not in marts_of(table, tables):
            continue
        statement = sql.SQL("select to_jsonb(predicted) from {} as predicted where {}").format(
            table.identifier(), table.where_key()
        )
        rows = snapshot.rows(statement, tuple(values[name] for name in table.key))
        found += [_prediction(snapshot, table, row) for (row,) in rows] or [Prediction(table.name)]
    return tuple(found)


def _prediction(snapshot: Snapshot, table: KeyedTable, row: dict[str, Any]) -> Prediction:
    """Return a row of predictions: of two classes the probability, of several the most probable class and its own."""
    label = row.get("predicted_label")
    of_classes = [value for name, value in row.items() if name.startswith("probability_") and name not in table.key]
    probability = row["probability"] if label is None else max(of_classes)
    shown = None if label is None else str(label)
    checks = snapshot.rows(CHECK, [str(row["model_id"])])
    is_stale, checked_at, is_outdated = checks[0] if checks else (row["is_stale"], None, False)
    return Prediction(table.name, str(row["model_id"]), probability, is_stale, shown, checked_at, is_outdated)
