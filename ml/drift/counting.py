"""Counts the rows since training in the bins of a model's reference, in one pass over the task's mart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from ml.columns import read_column_types
from ml.drift.histogram import NUMBER, Bins, Histogram
from ml.drift.since_training import day_of, rows_since_training, same_key
from ml.predict import Model

# Each row becomes one row for every column, with its bin and the logarithm of its size; column 0 is its day.
# `materialized`: without it, PostgreSQL converts a number again wherever an entry names its column.
COUNTS = """
with measured as materialized (
    select {day} as day, {columns}
    from marts.{table} as mart
    left join predictions.{task} as scored on {is_same_row} and scored.model_id::text = {model_id}
    where {is_since_training}
)
select entry.number, entry.bin, count(*), count(entry.size), coalesce(sum(entry.size), 0)
from measured
cross join lateral (values (0, day, null::float8), {entries}) as entry (number, bin, size)
group by entry.number, entry.bin
"""
NUMBER_ENTRY = """(
    {number}, width_bucket({column}, {edges}::float8[]), case when abs({column}) < 'infinity' and {column} <> 0
        then ln(abs({column})) end
)"""
# A number as the model reads it, of 32 bits: 0.01 is on the other side of the edge 0.01 than the same of 64 bits.
AS_READ = """
case
    when abs({0}::float8) between 1.2e-38 and 3.4e38 then {0}::float8::float4::float8
    else nullif({0}::float8, 'nan')
end
"""
CATEGORY_ENTRY = """(
    {number}, case when {column} <> '' then coalesce(array_position({values}::text[], {column}), 0) end, null
)"""


@dataclass(frozen=True)
class Counted:
    """The histograms over the rows since training, in the order of the columns, and the rows' number and days."""

    histograms: list[Histogram]
    rows: int
    days: int | None


def count_since_training(cursor: Any, model: Model, columns: dict[str, Bins], score: tuple[str, Bins]) -> Counted:
    """Return the histograms of the rows since training: of features, then of the score.

    `score` is the score's column in the predictions, and its bins.

    Raises:
        NothingToLearn, TaskBroken: the mart or a column is missing, or has another type.
    """
    types = read_column_types(cursor, model.task)
    selected = [_feature(name, bins, types[name]) for name, bins in columns.items()] + [_score(*score)]
    bins_of = [*columns.values(), score[1]]
    numbers = range(1, len(bins_of) + 1)
    cursor.execute(
        sql.SQL(COUNTS).format(
            day=day_of(model, types),
            columns=sql.SQL(", ").join(
                sql.SQL("{} as {}").format(one, _column(number)) for number, one in zip(numbers, selected, strict=True)
            ),
            table=sql.Identifier(model.task.table),
            task=sql.Identifier(model.task.task),
            model_id=sql.Literal(model.model_id),
            is_same_row=same_key(model, "scored", "mart"),
            is_since_training=rows_since_training(model, types),
            entries=sql.SQL(", ").join(_entry(number, bins) for number, bins in zip(numbers, bins_of, strict=True)),
        )
    )
    return _gather(cursor.fetchall(), bins_of)


def _feature(name: str, bins: Bins, column_type: str) -> sql.Composable:
    """Return the expression of a feature as the model reads it: a number, or a text."""
    column = sql.SQL("mart.{}").format(sql.Identifier(name))
    if bins.kind != NUMBER:
        return sql.SQL("format('%s', {})").format(column)  # as COPY writes it: t for true; an empty text for null
    as_number = "{}::integer::float8" if column_type == "boolean" else AS_READ
    return sql.SQL(as_number).format(column)


def _score(column: str, bins: Bins) -> sql.Composable:
    as_type = "scored.{}::float8" if bins.kind == NUMBER else "format('%s', scored.{})"
    return sql.SQL(as_type).format(sql.Identifier(column))


def _column(number: int) -> sql.Identifier:
    return sql.Identifier(f"column_{number}")


def _entry(number: int, bins: Bins) -> sql.Composable:
    """Return the values of one column's entry: its number, the bin and the logarithm of the size."""
    if bins.kind == NUMBER:
        edges = sql.Literal(list(bins.edges))
        return sql.SQL(NUMBER_ENTRY).format(number=sql.Literal(number), column=_column(number), edges=edges)
    values = sql.Literal(list(bins.values))
    return sql.SQL(CATEGORY_ENTRY).format(number=sql.Literal(number), column=_column(number), values=values)


def _gather(found: list[tuple[Any, ...]], bins_of: list[Bins]) -> Counted:
    """Return the histograms of what the query found: number of the column, bin, rows, and their sizes' logarithms."""
    cells: dict[int, dict[int | None, tuple[int, int, float]]] = {number: {} for number in range(len(bins_of) + 1)}
    for number, cell, rows, nonzero, size in found:
        cells[number][cell] = (rows, nonzero, size)
    histograms = []
    for number, bins in enumerate(bins_of, start=1):
        counts = tuple(cells[number].get(one, (0, 0, 0.0))[0] for one in range(bins.number))
        nonzero = sum(some for _, some, _ in cells[number].values())
        scale = sum(size for _, _, size in cells[number].values()) / max(nonzero, 1)
        histograms.append(Histogram(bins, counts, cells[number].get(None, (0, 0, 0.0))[0], nonzero, scale))
    days = cells[0].keys() - {None}
    return Counted(histograms, sum(rows for rows, _, _ in cells[0].values()), len(days) or None)
