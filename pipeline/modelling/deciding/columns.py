"""Finishes the columns of a table: their order, and what was observed in them."""

from __future__ import annotations

from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable
from pipeline.modelling.deciding.values.observed import (
    different_values,
    enumeration,
    mean_and_deviation,
    rows_per_day,
    share_of_true,
    text_format,
    value_range,
)
from pipeline.modelling.design import JSON, Column, sql_type
from waybill.json_pointers import join_pointer

OTHER_FIELDS = "other_fields"
NUMBERS = ("integer", "bigint", "minutes", "hhmm", "numeric", "double precision")
GROUPS = (("text", "uuid", "time_zone"), NUMBERS, ("boolean",), ("date",), ("timestamp", "timestamptz"), (JSON,))


def in_order(columns: list[DraftColumn], key: tuple[Names, ...]) -> list[DraftColumn]:
    """Return the columns in groups: key, other ids, texts, numbers, booleans, dates, times, JSON; then by pointer."""
    return sorted(columns, key=lambda column: (_group(column, key), column.pointer))


def _group(column: DraftColumn, key: tuple[Names, ...]) -> tuple[int, int]:
    if column.path in key:
        return 0, key.index(column.path)
    type_ = sql_type(column.type)
    if type_ != JSON and (column.name == "id" or column.name.endswith("_id")):
        return 1, 0
    return 2, next(index for index, types in enumerate(GROUPS) if type_ in types)


def finished_column(column: DraftColumn, identifying: frozenset[Names]) -> Column:
    """Return a column with what was observed. `identifying` are the paths of key and version: never enumerations."""
    lowest, highest = value_range(column)
    days, busiest_day = rows_per_day(column)
    mean, deviation = mean_and_deviation(column.node.numbers) if column.type in NUMBERS else (None, None)
    if column.type == "boolean":
        mean = share_of_true(column)
    return Column(
        name=column.name,
        pointer=join_pointer(column.pointer),
        path=column.path_text,
        type=column.type,
        rows=column.rows,
        missing=column.rows - column.present,
        wrapper=column.wrapper[-1] if column.wrapper else None,
        values=() if column.path in identifying else enumeration(column),
        lowest=lowest,
        highest=highest,
        mean=mean,
        deviation=deviation,
        evidence=column.reason,
        distinct=different_values(column),
        longest=column.node.texts.max_length if column.type == "text" else None,
        pattern=text_format(column),
        days=days,
        busiest_day=busiest_day,
    )


def other_fields(table: DraftTable, others: list[DraftColumn]) -> Column:
    """Return the column that holds together the fields for which a row has no room."""
    return Column(
        name=OTHER_FIELDS,
        pointer="",
        path=join_pointer(table.element_path),
        type=JSON,
        rows=table.rows,
        others=tuple(join_pointer(column.pointer) for column in others),
    )
