"""The declaration of a small task for tests of models, and a way to change its table."""

from __future__ import annotations

from warehouse.connection import connect

TASK = {
    "task": "small",
    "table": "rows",
    "key": "row_id",
    "label": "is_late",
    "split": {"time_column": "on_date", "validation_from": "2013-03-01", "test_from": "2013-04-01"},
    "seed": 1,
    "positive_label": "late",
    "threshold": 0.5,
    "categorical": ["shop"],
    "numeric": ["delay"],
    "candidates": {"dummy": {}, "logistic_regression": {}},
}


def execute(*statements: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def make_rows() -> None:
    """Make the table of the small task: 600 rows whose label depends on a number."""
    execute(
        "create table marts.rows as select 'r' || n as row_id, date '2013-01-01' + n % 120 as on_date,"
        " case when n % 50 <> 0 then (n * 7) % 20 > 10 end as is_late, case n % 2 when 0 then 'NE' else 'SW' end as shop,"
        " nullif((n * 7) % 20 + n % 3, 0) as delay from generate_series(1, 600) as n",
        "grant select on marts.rows to waybill_trainer",
        "create table intermediate.processed_batches (model text, batch_id uuid)",
        "grant select on intermediate.processed_batches to waybill_trainer",
        "create table intermediate.document_outcomes (_batch_id uuid, outcome text)",
        "grant select on intermediate.document_outcomes to waybill_trainer",
    )
