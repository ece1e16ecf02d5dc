"""How the rows have changed since a model was trained, and how good its predictions were once labels were known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from ml.learning.summary import TABLE_METRICS
from pipeline.model_card.figures import FigureRow, FigureTable, draw_rows, figure_of

EXISTS = "select to_regclass(:table) is not null"
DRIFT = """
    select name, kind, psi, missing_share, new_share, size_ratio, alarms, rows, measured_at
    from predictions.model_drift
    where task = :task and model_id::text = :model
    order by is_alarm desc, psi desc nulls last, name
"""
REALISED = """
    select to_char(month, 'YYYY-MM') as month, is_predicted, rows, metrics
    from predictions.realised_figures
    where task = :task and model_id::text = :model
    order by month, is_predicted
"""


@dataclass(frozen=True)
class ColumnDrift:
    """How one feature, or the score, differs from the training rows; `alarms` are the measures beyond their limits.

    `missing` is the share of rows without a value, `new` how much the share of unknown categories has grown, `size` the
    factor by which numbers have grown.
    """

    name: str
    kind: str
    psi: float | None
    missing: float | None
    new: float | None
    size: float | None
    alarms: list[str]


@dataclass(frozen=True)
class DriftFacts:
    """The last measurement of a model's drift, alarms first; `rows` counts the rows since training."""

    measured_at: datetime
    rows: int
    columns: list[ColumnDrift]

    @property
    def alarms(self) -> list[str]:
        """The columns that differ more than parts of the training rows from each other, and by which measure."""
        return [f"{column.name}: {', '.join(column.alarms)}" for column in self.columns if column.alarms]


def read_drift(connection: Connection, task: str, model_id: str) -> DriftFacts | None:
    """Return how a model's columns have drifted; None if that was not measured."""
    found = _rows(connection, "predictions.model_drift", DRIFT, task, model_id)
    if not found:
        return None
    names = ("name", "kind", "psi", "missing_share", "new_share", "size_ratio", "alarms")
    columns = [ColumnDrift(*(row[name] for name in names)) for row in found]
    return DriftFacts(max(row["measured_at"] for row in found), max(row["rows"] for row in found), columns)


def realised_table(connection: Connection, task: str, model_id: str, kind: str) -> FigureTable | None:
    """Return the figures by month of predictions whose label came later; None without any."""
    found = _rows(connection, "predictions.realised_figures", REALISED, task, model_id)
    names = {name: title for name, title in TABLE_METRICS[kind].items() if any(name in row["metrics"] for row in found)}
    if not found or not names:
        return None
    rows = [
        FigureRow(
            row["month"] or "all",
            [figure_of(row["metrics"], name) for name in names],
            cells=[f"{row['rows']:,}", "before" if row["is_predicted"] else "after"],
        )
        for row in found
    ]
    return FigureTable(
        title="Realised figures",
        caption="Stored predictions against the labels that have landed; scored: before or after the label landed",
        of_rows="month",
        cell_columns=["rows", "scored"],
        figure_columns=list(names.values()),
        rows=draw_rows(rows),
    )


def _rows(connection: Connection, table: str, query: str, task: str, model_id: str) -> list[Mapping[str, Any]]:
    """Return the rows of a model in a table that older warehouses do not have."""
    if not connection.scalar(text(EXISTS), {"table": table}):
        return []
    return [dict(row) for row in connection.execute(text(query), {"task": task, "model": model_id}).mappings()]
