"""Decides what kind of answer a label is: its classes, how often each occurs, and which value is the positive one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from ml.columns import LABELS
from ml.errors import ProposalRefused
from ml.learning.labels import MAX_CLASSES, MIN_ROWS
from ml.proposing.mart import Column, Mart
from waybill.text import counted

SHOWN_CLASSES = 8
SHOWN_LETTERS = 40
MAX_COUNTED = 1600  # columns; PostgreSQL returns at most 1,664

CLASSES = """
select {label}, count(*), {presences} from {relation} where {label} is not null group by 1 order by 2 desc, 1
"""


@dataclass(frozen=True)
class Label:
    """A label's classes, the most frequent first. `positive` is the value to predict; None with more than two classes.

    `rare` maps the classes that are too small to be learnt to their rows, which count as unlabelled. `presence` maps
    each column to its numbers of values that are not null, one per class.
    """

    column: Column
    classes: tuple[str, ...]
    rows: tuple[int, ...]
    rare: dict[str, int]
    positive: str | None
    reason: str
    presence: dict[str, tuple[int, ...]]

    @property
    def labelled(self) -> int:
        """The number of rows with a label."""
        return sum(self.rows)

    @property
    def balance(self) -> str:
        """How often each class occurs, for people."""
        pairs = zip(self.classes, self.rows, strict=True)
        shares = [f"{short(name)} {rows / self.labelled:.1%}" for name, rows in pairs]
        more = len(shares) - SHOWN_CLASSES
        others = f" and {counted(more, 'more class', 'more classes')}" if more > 0 else ""
        return ", ".join(shares[:SHOWN_CLASSES]) + others

    @property
    def left_out(self) -> str:
        """The classes that are too small, for people; empty if there are none."""
        found = [f"{short(name)} ({counted(rows, 'row')})" for name, rows in list(self.rare.items())[:SHOWN_CLASSES]]
        more = len(self.rare) - len(found)
        return ", ".join(found) + (f" and {more} more" if more else "")

    @property
    def number(self) -> sql.Composable:
        """The expression of a row's class: its position in `classes`, null for a row without one."""
        names = sql.SQL(", ").join(map(sql.Literal, self.classes))
        return sql.SQL("(array_position(array[{}]::text[], {}) - 1)").format(names, _text(self.column.name))


def short(name: str) -> str:
    """Return the name of a class for people, cut if it is long."""
    return name if len(name) <= SHOWN_LETTERS else f"{name[: SHOWN_LETTERS - 1]}…"


def read_label(cursor: Any, mart: Mart, name: str, positive: str | None) -> Label:
    """Read the classes of a label and choose the positive one.

    Raises:
        ProposalRefused: the column cannot be a label, or the positive value is not one of two classes.
    """
    column = mart.column(name, "--label")
    _require_classes(mart, column)
    names = [one.name for one in mart.columns[:MAX_COUNTED]]
    presences = sql.SQL(", ").join(sql.SQL("count({})").format(sql.Identifier(one)) for one in names)
    relation = sql.Identifier("marts", mart.name)
    cursor.execute(sql.SQL(CLASSES).format(label=_text(name), relation=relation, presences=presences))
    found = cursor.fetchall()
    rare = {value: rows for value, rows, *_ in found if rows < sum(MIN_ROWS.values())}
    kept = [row for row in found if row[0] not in rare]
    _require_kept(mart, name, [row[0] for row in kept], rare)
    classes = tuple(row[0] for row in kept)
    chosen, reason = _positive(column, classes, positive)
    presence = {one: tuple(row[2 + place] for row in kept) for place, one in enumerate(names)}
    return Label(column, classes, tuple(row[1] for row in kept), rare, chosen, reason, presence)


def _text(name: str) -> sql.Composable:
    """Return the expression of a label's value; an empty text does not count as one."""
    return sql.SQL("nullif({}::text, '')").format(sql.Identifier(name))


def _require_classes(mart: Mart, column: Column) -> None:
    """Raise ProposalRefused unless the column has a type and a number of values that a label may have."""
    where, present = f"label {column.name} of marts.{mart.name}", column.rows - column.missing
    if column.name in mart.key:
        raise ProposalRefused(f"{where} is part of the key: name a column that is not known before the prediction")
    if column.type not in LABELS:
        raise ProposalRefused(
            f"{where} is {column.type}, but a label must be boolean, text or integer: "
            "add such a column to the mart, e.g. `amount > 100 as is_large`"
        )
    if not present:
        raise ProposalRefused(f"{where} is null in all {counted(mart.rows, 'row')}: there is nothing to learn from")
    if column.distinct == 1:
        raise ProposalRefused(
            f"{where} is constant: it has one value in all of the {counted(present, 'row')} where it is not null; "
            "null means that the answer is unknown, so give the other answer a value in the mart"
        )
    if column.distinct == present and present > 2:
        raise ProposalRefused(
            f"{where} is different in each of its {counted(present, 'row')}: a label has few values that repeat"
        )
    if column.distinct > MAX_CLASSES:
        raise ProposalRefused(
            f"{where} has {counted(column.distinct, 'class', 'classes')}, and a task has at most {MAX_CLASSES}: "
            "group them in the mart, or make ranges of a number"
        )


def _require_kept(mart: Mart, name: str, kept: list[str], rare: dict[str, int]) -> None:
    if len(kept) > 1:
        return
    few = [f"{short(value)!r} has {counted(rows, 'row')}" for value, rows in rare.items()]
    raise ProposalRefused(
        f"label {name} of marts.{mart.name}: class {' and '.join(few[:3])}{' and so on' if len(few) > 3 else ''}, but "
        f"each needs {sum(MIN_ROWS.values())}, and fewer than two classes are left: load more documents, or merge "
        "classes in the mart"
    )


def _positive(column: Column, classes: tuple[str, ...], given: str | None) -> tuple[str | None, str]:
    """Return the positive value and why; the rarer one unless the user has named one."""
    if given is not None and len(classes) != 2:
        raise ProposalRefused(
            f"--positive {given}: label {column.name} has {len(classes)} classes, and only one of two can be positive"
        )
    if given is not None and given not in classes:
        raise ProposalRefused(
            f"--positive {given}: label {column.name} has no such value: choose {' or '.join(map(short, classes))}"
        )
    if len(classes) != 2:
        return None, ""
    if column.kind == "boolean":
        if given == "false":
            raise ProposalRefused(f"--positive false: {column.name} is boolean, so true is the positive value")
        return "true", "true of a boolean"
    return (given, "--positive") if given is not None else (classes[1], "the rarer value; --positive names the other")
