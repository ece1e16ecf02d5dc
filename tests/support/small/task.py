"""The declaration of a small task for tests of models, and a way to change its table."""

from __future__ import annotations

from warehouse.connection import connect

TASK = {
    "task": "small",
    "table": "rows",
    "key": "row_id",
    "label": "is_late",
    "time_column": "on_date",
    "split": {"validation_from": "2013-03-01", "test_from": "2013-04-01"},
    "seed": 1,
    "positive_label": "late",
    "threshold": 0.5,
    "categorical": ["airline"],
    "numeric": ["delay"],
    "candidates": {"dummy": {}, "logistic_regression": {}},
}


def execute(*statements: str) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()
