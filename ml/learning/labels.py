"""Finds the classes of a task's label in its rows, and refuses a label that no model can learn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ml.encoding.frame_rows import FrameRows
from ml.errors import NothingToLearn, TaskBroken
from ml.reading.frame import SET
from ml.sets import SETS
from ml.task import Task
from waybill.text import counted, shown

MAX_CLASSES = 50
MIN_ROWS = {"train": 5, "validation": 1, "test": 1}  # of a class; five, because encoders fit on five folds
MAX_NAMED = 5
MAX_CHARACTERS = 60  # of a class in a message
POSITIVE = {("false", "true"): "true", ("0", "1"): "1"}  # of two values, the one that is positive by convention


@dataclass(frozen=True)
class Classes:
    """The classes of a label: their values as the database writes them, in the order of the model's probabilities.

    `rows` says for each value how many rows each set has. A binary label has its negative value first. `left_out` are
    the rare values that the task leaves out, with what they lack; their rows count as unlabelled.
    """

    values: list[str]
    is_binary: bool
    rows: dict[str, dict[str, int]]
    left_out: dict[str, str]

    @property
    def kind(self) -> str:
        """The kind of task that the label makes."""
        return "binary" if self.is_binary else "multi-class"

    def encode(self, rows: FrameRows, label: str) -> Any:
        """Return the index of each row's class, -1 where the label is missing or left out."""
        import numpy as np

        codes, texts = rows.categories(label)
        numbers = {value: number for number, value in enumerate(self.values)}
        return np.array([*(numbers.get(text, -1) for text in texts), -1], dtype="int8")[codes]  # the last one for -1


def find_classes(task: Task, rows: Any) -> Classes:
    """Return the classes of the labelled rows.

    Raises:
        NothingToLearn: a set has no labelled row, or there are too few rows of a class.
        TaskBroken: the label is constant, unique or has too many values, or it is not clear which one is positive.
    """
    counts = _count(task, rows)
    values = sorted(counts, key=_place)
    labelled = sum(sum(of_sets.values()) for of_sets in counts.values())
    _check_values(task, values, labelled)
    _check_sets(task, counts)
    if task.rare_classes == "refuse":
        _check_number(task, values)
    rare = {value: lack for value in values if (lack := _lack(counts[value]))}
    if rare and (task.rare_classes == "refuse" or len(values) == 2):
        raise NothingToLearn(_describe_rare(task, rare, may_be_left_out=len(values) > 2))
    values = [value for value in values if value not in rare]
    if len(values) < 2:
        raise NothingToLearn(f"{_describe_rare(task, rare, may_be_left_out=False)}; fewer than two classes are left")
    _check_number(task, values)
    if len(values) == 2:
        positive = _positive(task, values)
        values = sorted(values, key=lambda value: value == positive)
    elif task.positive_value is not None or task.threshold is not None or task.cost is not None:
        raise TaskBroken(
            f"task {task.task}: {task.label} has {len(values)} values, {_named(values)}, and positive_value,"
            f" threshold and cost are for two: remove them from ml/tasks/{task.task}.yml to learn all classes"
        )
    return Classes(values, len(values) == 2, {value: counts[value] for value in values}, rare)


def _count(task: Task, rows: Any) -> dict[str, dict[str, int]]:
    """Return value → set → number of rows.

    Raises:
        NothingToLearn: there is no labelled row, or a set has none.
        TaskBroken: labelled rows have no group.
    """
    import numpy as np

    codes, texts = FrameRows(rows).categories(task.label)
    sets = rows[SET].to_numpy()
    without_set = int(((codes >= 0) & ~(sets >= 0)).sum())
    if without_set and task.split.kind == "group":
        raise TaskBroken(
            f"task {task.task}: {counted(without_set, 'labelled row')} of marts.{task.table} "
            f"{'has' if without_set == 1 else 'have'} no {task.split.group_column}, so their group cannot be kept "
            f"whole: fill it in the mart, or name another group_column in ml/tasks/{task.task}.yml"
        )
    of_sets = [np.bincount(codes[(sets == number) & (codes >= 0)], minlength=len(texts)) for number in range(len(SETS))]
    there = np.bincount(codes[codes >= 0], minlength=len(texts))
    return {
        text: {name: int(of_sets[number][code]) for number, name in enumerate(SETS)}
        for code, text in enumerate(texts)
        if there[code]
    }


def _check_values(task: Task, values: list[str], labelled: int) -> None:
    file = f"ml/tasks/{task.task}.yml"
    if not values:
        raise NothingToLearn(f"marts.{task.table} has no row with a {task.label}: load some first, or correct {file}")
    if len(values) == 1:
        raise TaskBroken(
            f"task {task.task}: {task.label} is {shown_class(values[0])} in all {labelled:,} labelled rows, so there is"
            f" nothing to learn: load rows with another value, or name another label in {file}"
        )
    if len(values) == labelled:
        raise TaskBroken(
            f"task {task.task}: {task.label} is different in each of the {labelled:,} labelled rows, so it names rows, "
            f"not classes: name another label in {file}"
        )


def _check_number(task: Task, values: list[str]) -> None:
    if len(values) > MAX_CLASSES:
        raise TaskBroken(
            f"task {task.task}: {task.label} has {len(values)} classes, and a model learns at most {MAX_CLASSES}:"
            f" group them in the mart, or name another label in ml/tasks/{task.task}.yml"
        )


def _check_sets(task: Task, counts: dict[str, dict[str, int]]) -> None:
    for name in SETS:
        if not any(of_sets[name] for of_sets in counts.values()):
            raise NothingToLearn(
                f"task {task.task}: the {name} set has 0 labelled rows: load more data, or change `split` or `seed` in"
                f" ml/tasks/{task.task}.yml"
            )


def _lack(of_sets: dict[str, int]) -> str:
    """Return what a class lacks to be learnt; empty if nothing."""
    lacks = [f"{counted(of_sets[name], 'row')} in {name}" for name in SETS if of_sets[name] < MIN_ROWS[name]]
    return ", ".join(lacks)


def _describe_rare(task: Task, rare: dict[str, str], *, may_be_left_out: bool) -> str:
    classes = _listed([f"{shown_class(value)} ({lack})" for value, lack in rare.items()])
    leave = ", or leave such classes out with `rare_classes: leave_out`" if may_be_left_out else ""
    return (
        f"task {task.task}: too few labelled rows of {task.label}: {classes}; a class needs {MIN_ROWS['train']} in"
        f" train and 1 in each other set: load more data, change `split` in ml/tasks/{task.task}.yml{leave}"
    )


def _positive(task: Task, values: list[str]) -> str:
    """Return which of two values is the positive one."""
    given = task.positive_value
    if given is None:
        found = POSITIVE.get((values[0], values[1]))
        if found is None:
            raise TaskBroken(
                f"task {task.task}: {task.label} has two values, {_named(values)}: say which one is positive with "
                f"`positive_value` in ml/tasks/{task.task}.yml"
            )
        return found
    written = str(given).lower() if isinstance(given, bool) else str(given)
    if written not in values:
        raise TaskBroken(
            f"task {task.task}: positive_value {written} is not a value of {task.label}, which has {_named(values)}: "
            f"correct it in ml/tasks/{task.task}.yml{', in quotes' if isinstance(given, bool) else ''}"
        )
    return written


def _place(value: str) -> tuple[bool, int, str]:
    """Return where a value belongs in order: whole numbers by size, then texts."""
    is_number = value.lstrip("-").isdecimal() and len(value) < 20
    return not is_number, int(value) if is_number else 0, value


def shown_class(value: str) -> str:
    """Return a class as people read it: without invisible characters, and not longer than a few words."""
    return shown(value if len(value) <= MAX_CHARACTERS else f"{value[:MAX_CHARACTERS]}…")


def _named(values: Iterable[str]) -> str:
    return _listed([shown_class(value) for value in values])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
