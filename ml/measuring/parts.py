"""Divides rows into the parts in which a task wants them measured: months, values of a category, ranges of a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml.encoding.frame_rows import FrameRows
from ml.measuring.declaration import Slice
from ml.measuring.slices import MIN_SHOWN, Part
from ml.task import Task

MAX_USUAL_VALUES = 50  # of a category that is a slice although no task declares it
MAX_PARTS = 200  # of one slice: those with the most rows
MISSING = "(missing)"
OTHER = "(other)"  # the rows of all parts that have too few rows, or are not among those with the most


def find_parts(task: Task, rows: FrameRows, days: Any) -> Iterator[Part]:
    """Yield the parts of the rows; `days` is each row's day since 1970, of a split by time."""
    for one in usual_slices(task, rows) if task.slices is None else task.slices:
        yield from _parts_of(one, task, rows, days)


def usual_slices(task: Task, rows: FrameRows) -> list[Slice]:
    """Return the slices of a task that declares none: months, and categories with few values."""
    month = [Slice(column=task.split.time_column, name="month")] if task.split.time_column else []
    few = [name for name in task.categorical if len(rows.categories(name)[1]) <= MAX_USUAL_VALUES]
    return [*month, *(Slice(column=name) for name in few)]


def _parts_of(one: Slice, task: Task, rows: FrameRows, days: Any) -> Iterator[Part]:
    """Yield the parts of one slice in the order of their values, a missing one last, then the others as one part."""
    import numpy as np

    codes, values = _values_of(one, task, rows, days)
    counts = np.bincount(codes, minlength=len(values))
    named = sorted(np.argsort(-counts, kind="stable")[: min(MAX_PARTS, int((counts >= MIN_SHOWN).sum()))])
    for code in named:
        yield Part(one.shown, one.column, values[code], codes == code)
    if (others := ~np.isin(codes, named)).any():
        yield Part(one.shown, one.column, OTHER, others)


def _values_of(one: Slice, task: Task, rows: FrameRows, days: Any) -> tuple[Any, list[str]]:
    """Return each row's index in a list of values in order, and that list."""
    import numpy as np

    if one.column in task.categorical:
        codes, texts = rows.categories(one.column)
        order = sorted(range(len(texts)), key=lambda code: texts[code])
        places = np.array([*np.argsort(order), len(texts)])
        return places[codes], [*(texts[code] for code in order), MISSING]
    if one.column in task.numeric:
        width = float(one.width or 1)
        steps, codes = np.unique(np.floor(rows.numbers(one.column) / width), return_inverse=True)
        return codes, [MISSING if np.isnan(n) else f"{n * width:g} to {(n + 1) * width:g}" for n in steps]
    months, codes = np.unique(days.astype("datetime64[D]").astype("datetime64[M]"), return_inverse=True)
    return codes, [str(month) for month in months]
