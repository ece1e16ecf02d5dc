"""Chooses how rows are split: by time, by whole groups, or at random; so that every set has every class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from psycopg2 import sql

from ml.errors import ProposalRefused
from ml.learning.labels import MIN_ROWS
from ml.proposing.labels import Label
from ml.proposing.mart import Column, Mart
from ml.sets import set_of
from ml.split import Split as RowSplit
from ml.task import Task
from waybill.text import counted

TRAINING, LEARNT = 0.6, 0.8  # shares of the labelled rows before validation and before test
CUTS = [number / 100 for number in range(30, 96)]  # shares at which a set may begin
REWRITTEN = re.compile(r"(^|_)(updated?|modified|changed|edited|synced|loaded|ingested|exported|refreshed)(_|$)")
SEEDS = range(1, 21)  # tried in this order
MIN_REPEATS = 3  # rows per value from which a column may be a group

DAYS = """
select least(({time} at time zone 'UTC')::date, date '9999-12-31'), {number}, count(*)
from {relation} where {number} is not null and {time} is not null group by 1, 2 order by 1
"""
GROUPS = """
select count(distinct {group}), count(*) filter (where {group} is null) from {relation} where {number} is not null
"""

GROUP_SETS = "select {set}, {number}, count(*) from {relation} where {number} is not null group by 1, 2"


@dataclass(frozen=True)
class Split:
    """How rows are split, and why. The days are the first ones of validation and of test, of a split by time."""

    kind: Literal["time", "group", "random"]
    reasons: tuple[str, ...]
    column: str | None = None
    validation_from: date | None = None
    test_from: date | None = None
    seed: int = SEEDS[0]


def split_by_time(cursor: Any, mart: Mart, label: Label, name: str) -> Split:
    """Split by the time that the user named.

    Raises:
        ProposalRefused: it is not a time, or no two days separate three sets that each have every class.
    """
    column = mart.column(name, "--time")
    where = f"--time {name}: the column of marts.{mart.name}"
    if column.kind != "time":
        raise ProposalRefused(
            f"{where} is {column.type}, but rows can only be split by a date or timestamp: cast it in the mart"
        )
    found = _days(cursor, mart, label, column)
    if isinstance(found, str):
        raise ProposalRefused(f"{where} {found}: leave --time out, or merge classes in the mart")
    return found


def split_by_group(cursor: Any, mart: Mart, label: Label, name: str) -> Split:
    """Split by the group that the user named: all rows of a group are in one set.

    Raises:
        ProposalRefused: groups are missing, too few, or as many as rows.
    """
    column = mart.column(name, "--group")
    where = f"--group {name}: the column of marts.{mart.name}"
    if column.kind in ("json", "other") or name == label.column.name:
        what = "the label" if name == label.column.name else column.type
        raise ProposalRefused(f"{where} is {what}, which names no group: choose another column")
    names = {"group": sql.Identifier(name), **_names(mart, label)}
    cursor.execute(sql.SQL(GROUPS).format(**names))
    groups, missing = cursor.fetchone()
    if missing:
        raise ProposalRefused(
            f"{where} is null in {missing:,} of {counted(label.labelled, 'row')} with a label, "
            "so these belong to no group: give them a value in the mart, or choose another column"
        )
    if groups < 3 or groups == label.labelled:
        number = f"only {counted(groups, 'value')}" if groups < 3 else "another value in each row"
        raise ProposalRefused(f"{where} has {number}: choose a column with several values that repeat")
    for seed in SEEDS:
        if _has_all_classes(cursor, mart, label, name, seed):
            reason = f"--group: {counted(groups, 'group')}, each in one set, by a hash of its value and the seed"
            return Split("group", (reason,), name, seed=seed)
    raise ProposalRefused(
        f"{where} has {counted(groups, 'group')}, and with none of {len(SEEDS)} seeds every set has every class: "
        "leave --group out, or merge classes in the mart"
    )


def _has_all_classes(cursor: Any, mart: Mart, label: Label, name: str, seed: int) -> bool:
    """Return True if whole groups, divided with a seed, give every set as many rows of every class as it needs."""
    task = Task.model_construct(
        table=mart.name, key=list(mart.key), label=label.column.name, split=RowSplit(group_column=name), seed=seed
    )
    expression = set_of(task, {one.name: one.type for one in mart.columns})
    cursor.execute(sql.SQL(GROUP_SETS).format(set=expression, **_names(mart, label)))
    found = {(number, of_class): rows for number, of_class, rows in cursor.fetchall()}
    return all(
        found.get((number, of_class), 0) >= least
        for number, least in enumerate(MIN_ROWS.values())
        for of_class in range(len(label.classes))
    )


def best_split(cursor: Any, mart: Mart, label: Label) -> Split:
    """Split by time if the mart has exactly one time at which the rows can have happened, else at random."""
    times = [one for one in mart.columns if _may_split(one, mart, label)]
    events = [one for one in times if not REWRITTEN.search(one.name)] or times
    hints = _group_hints(mart, label)
    if len(events) != 1:
        why = (
            "no date or timestamp without null"
            if not events
            else f"several times ({_listed(events)}): --time chooses one"
        )
        return Split("random", (f"{why}, so rows are split at random, with each class in the same shares", *hints))
    [event] = events
    found = _days(cursor, mart, label, event)
    if isinstance(found, str):
        return Split("random", (f"at random: {event.name} {found}", *hints))
    others = [one.name for one in times if one is not event]
    only = f"the only {event.type} without null" + (f" besides {', '.join(others)}" if others else "")
    return Split("time", (f"{event.name} is {only}", *found.reasons, *hints), *_cut(found))


def _cut(split: Split) -> tuple[str | None, date | None, date | None]:
    return split.column, split.validation_from, split.test_from


def _may_split(column: Column, mart: Mart, label: Label) -> bool:
    return column.kind == "time" and column.name[0] != "_" and sum(label.presence[column.name]) == label.labelled


def _group_hints(mart: Mart, label: Label) -> list[str]:
    """Return a line for each foreign key whose rows repeat so much that a model may learn the values by heart."""
    return [
        f"{one.distinct:,} values of {one.name} are in {one.rows - one.missing:,} rows: "
        f"--group {one.name} keeps the rows of each in one set, for predictions about new ones"
        for one in mart.columns
        if one.references and one.name != label.column.name and one.distinct >= MIN_REPEATS
        and one.rows - one.missing >= MIN_REPEATS * one.distinct
    ]  # fmt: skip


def _days(cursor: Any, mart: Mart, label: Label, column: Column) -> Split | str:
    """Return the split by a time nearest to 60, 20 and 20 % of the labelled rows; or why there is none."""
    import numpy as np

    timed = sum(label.presence[column.name])
    if not timed:
        return "is null in all rows that have a label"
    time = sql.SQL("{}::timestamptz" if column.type != "timestamp with time zone" else "{}")
    names = {"time": time.format(sql.Identifier(column.name)), **_names(mart, label)}
    cursor.execute(sql.SQL(DAYS).format(**names))
    found = cursor.fetchall()
    days = sorted({day for day, _, _ in found})
    table = np.zeros((len(days) + 1, len(label.classes)), dtype=int)
    number = {day: place for place, day in enumerate(days)}
    for day, of_class, rows in found:
        table[number[day] + 1, of_class] += rows
    before = table.cumsum(axis=0)  # the rows of each class before each day
    cut = _best_cut(before)
    if cut is None:
        return _why_not(label, days, before)
    first, second = cut
    shares = before.sum(axis=1) / timed
    reasons = [
        f"validation from {days[first]}, test from {days[second]}: "
        f"{shares[first]:.0%}, {shares[second] - shares[first]:.0%} and {1 - shares[second]:.0%} of the rows"
    ]
    if timed < label.labelled:
        reasons.append(f"{counted(label.labelled - timed, 'row')} with a label but without {column.name} in no set")
    return Split("time", tuple(reasons), column.name, days[first], days[second])


def _best_cut(before: Any) -> tuple[int, int] | None:
    """Return the numbers of the first days of validation and test; None if no two give every set every class."""
    import numpy as np

    shares = before.sum(axis=1)[:-1] / before[-1].sum()
    candidates = sorted(set(np.searchsorted(shares, CUTS).tolist()) | set(np.searchsorted(shares, CUTS, "right") - 1))
    candidates = [one for one in candidates if 0 < one < len(shares)]
    pairs = [
        (abs(shares[first] - TRAINING) + abs(shares[second] - LEARNT), first, second)
        for first in candidates
        for second in candidates
        if first < second
        and before[first].min() >= MIN_ROWS["train"]
        and (before[second] - before[first]).min() > 0
        and (before[-1] - before[second]).min() > 0
    ]
    return min(pairs)[1:] if pairs else None


def _why_not(label: Label, days: Sequence[date], before: Any) -> str:
    if len(days) < 3:
        return f"has only {counted(len(days), 'day')}: three sets need three"
    table = before[1:] - before[:-1]
    seen = [(label.classes[number], table[:, number].nonzero()[0]) for number in range(len(label.classes))]
    name, places = min(seen, key=lambda one: len(one[1]))
    if not len(places):
        return f"is null in all rows of class {name!r}, so no set of dated rows has every class"
    return (
        f"does not separate training, validation and test so that each has every class: class {name!r} is only on "
        f"{counted(len(places), 'day')} between {days[places[0]]} and {days[places[-1]]}"
    )


def _names(mart: Mart, label: Label) -> dict[str, sql.Composable]:
    return {"relation": sql.Identifier("marts", mart.name), "number": label.number}


def _listed(columns: Sequence[Column]) -> str:
    return ", ".join(one.name for one in columns)
