"""Decides for each column of a mart whether it is a feature, and says why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from psycopg2 import sql

from ml.columns import INTEGERS
from ml.proposing.labels import Label, short
from ml.proposing.leaks import Leak, leak_of_missing, leak_of_values
from ml.proposing.mart import Column, Mart
from ml.proposing.splits import Split
from ml.proposing.values import read_values
from ml.task import COLUMN
from waybill.text import counted

MAX_CATEGORIES = 200
MIN_ROWS_A_CATEGORY = 5
IDENTIFIER = re.compile(r"(^|_)(id|key|uuid|guid)$")
Use = Literal["label", "key", "split", "categorical", "numeric", "left out"]

IN_TRAINING = "select {counts} from {relation} where {number} is not null and {time} < %s"


@dataclass(frozen=True)
class Decision:
    """What a column is used for, and why."""

    column: Column
    use: Use
    reason: str


def decide(cursor: Any, mart: Mart, label: Label, split: Split) -> list[Decision]:
    """Decide about every column of the mart, in the order of the mart."""
    by_kind = {one.name: _by_kind(one, mart, label, split) for one in mart.columns}
    by_missing = {name: _by_missing(by_kind[name], label) for name in by_kind}
    asked = [one.column for one in by_missing.values() if one.use in ("categorical", "numeric")]
    by_value = {one.column.name: one for one in _by_value(cursor, mart, label, by_missing, asked)}
    decided = by_missing | by_value
    if split.kind == "time":
        decided |= {one.column.name: one for one in _unseen(cursor, mart, label, split, decided)}
    return [decided[one.name] for one in mart.columns]


def _by_kind(column: Column, mart: Mart, label: Label, split: Split) -> Decision:
    """Decide by role, type and number of values."""
    name, present = column.name, column.rows - column.missing
    if name == label.column.name:
        return Decision(column, "label", label.balance if len(label.classes) == 2 else "what is predicted")
    if name == split.column:
        return Decision(column, "split", f"rows are split by it ({split.kind})")
    if name in mart.key:
        category = _category(column, present) if len(mart.key) > 1 and column.kind == "text" else None
        if category and category.use == "categorical" and not _no_feature(column, present):
            return Decision(column, "categorical", f"part of the key, {category.reason}")
        return Decision(column, "key", "part of the key" if len(mart.key) > 1 else "identifies the row")
    if reason := _no_feature(column, present):
        return Decision(column, "left out", reason)
    if column.references or column.kind == "text" or _is_identifier(column):
        return _category(column, present)
    return Decision(column, "numeric", "true is 1, false is 0" if column.kind == "boolean" else "a number")


def _no_feature(column: Column, present: int) -> str | None:
    """Return why a column cannot be a feature, whatever its values; None if it can."""
    if column.name.startswith("_"):
        return "Waybill's own column"
    if not re.search(COLUMN, column.name):
        return "a task cannot name it: rename it in the mart"
    if not present:
        return "null in every row"
    if column.kind == "json":
        return f"{column.type}: make columns of what matters in it"
    if column.kind == "other":
        return f"{column.type} is neither a number nor a category"
    if column.kind == "time":
        return (
            f"a {'date' if column.type == 'date' else 'time'}: derive numbers in the mart, e.g. "
            f"`extract(dow from {column.name})`, or the days between two times"
        )
    if column.distinct == 1 and not column.missing:
        return "the same value in every row"
    if column.infinite:
        return f"holds infinity or a number beyond double precision in {column.infinite:,} rows"
    return None


def _is_identifier(column: Column) -> bool:
    """Return True for whole numbers that are names rather than amounts: unique, and named or numbered like ids."""
    if column.type not in INTEGERS:
        return False
    present = column.rows - column.missing
    is_row_number = column.distinct == present > 2 and (column.span or 0) <= 2 * present
    return column.is_unique or is_row_number or bool(IDENTIFIER.search(column.name))


def _category(column: Column, present: int) -> Decision:
    what = f"refers to {column.references}, " if column.references else ""
    values = f"{what}{counted(column.distinct, 'value')}"
    if column.distinct == present and present > 2:
        return Decision(column, "left out", f"{what}another value in every row: it identifies the row")
    if column.distinct > MAX_CATEGORIES:
        return Decision(column, "left out", f"{values}: more than {MAX_CATEGORIES} categories")
    if column.distinct > 2 and present < MIN_ROWS_A_CATEGORY * column.distinct:
        return Decision(column, "left out", f"{values} in {present:,} rows: fewer than {MIN_ROWS_A_CATEGORY} rows each")
    return Decision(column, "categorical", values)


def _by_missing(decision: Decision, label: Label) -> Decision:
    """Leave a column out that is missing exactly where a class is, whatever its type."""
    column = decision.column
    if decision.use in ("label", "key", "split") or column.name.startswith("_"):
        return decision
    leak = leak_of_missing(label, column.name)
    if not leak.is_beyond_limit:
        return decision
    number = label.classes.index(label.positive) if label.positive is not None else leak.of_class
    how = "present" if label.presence[column.name][number] / label.rows[number] > 0.5 else "missing"
    return Decision(
        column, "left out", _leak_reason(leak, label, f"it is {how} where the label is {short(label.classes[number])}")
    )


def _by_value(
    cursor: Any, mart: Mart, label: Label, decided: dict[str, Decision], asked: list[Column]
) -> Iterator[Decision]:
    """Yield the decision to leave out for each feature whose values alone predict a class too well."""
    rows = read_values(cursor, mart, label, asked) if asked else iter(())
    classes: Any = None
    for column, values in rows:
        if column is None:
            classes = values.astype(int)
            continue
        is_category = decided[column.name].use == "categorical"
        leak = leak_of_values(values, classes, is_category=is_category)
        if leak.is_beyond_limit:
            yield Decision(column, "left out", _leak_reason(leak, label, _how(column, label, is_category)))


def _how(column: Column, label: Label, is_category: bool) -> str:
    if column.distinct == len(label.classes):
        return "its values match those of the label one to one"
    return "its values separate the classes" if is_category or len(label.classes) > 2 else "it follows the label"


def _leak_reason(leak: Leak, label: Label, how: str) -> str:
    of_class = f" for {short(label.classes[leak.of_class])}" if len(label.classes) > 2 else ""
    return f"leak: ROC AUC {leak.auc:.3f} alone{of_class}; {how}"


def _unseen(cursor: Any, mart: Mart, label: Label, split: Split, decided: dict[str, Decision]) -> Iterator[Decision]:
    """Yield the decision to leave out for each feature that has no value, or one only, in the training set."""
    asked = [one for one in decided.values() if one.use in ("categorical", "numeric")]
    if not asked:
        return
    counts = sql.SQL(", ").join(sql.SQL("count({})").format(sql.Identifier(one.column.name)) for one in asked)
    statement = sql.SQL(IN_TRAINING).format(
        counts=counts,
        relation=sql.Identifier("marts", mart.name),
        number=label.number,
        time=sql.Identifier(str(split.column)),
    )
    cursor.execute(statement, [split.validation_from])
    for decision, present in zip(asked, cursor.fetchone(), strict=True):
        if not present:
            yield Decision(
                decision.column, "left out", f"null in all rows before {split.validation_from}: nothing to fit"
            )
