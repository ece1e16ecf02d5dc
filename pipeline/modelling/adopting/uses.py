"""Finds the files outside of a source that use its columns: tasks, shapes of exports, models and tests."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import yaml

from pipeline.modelling.design import Column, Design
from pipeline.modelling.removing.references import Reference, references
from waybill.settings import PROJECT

TASKS = "ml/tasks/"
Columns = dict[tuple[str, str], Column]  # (mart, column) -> the column


def columns_of(made: Design) -> Columns:
    """Return all columns of a design by mart and name."""
    return {(made.mart(table), column.name): column for table in made.tables for column in table.columns}


def changed_columns(before: Design, after: Design) -> list[tuple[str, str]]:
    """Return mart and name of the columns that go, or become of another type."""
    now = columns_of(after)
    return [place for place, column in columns_of(before).items() if place not in now or now[place].type != column.type]


def use_lines(source: str, own: Collection[str], columns: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield each file that uses one of the columns, and in a task as what. `own` are the files of the source."""
    found: dict[str, list[Reference]] = {}
    for mart, column in columns:
        if mart not in found:
            used = references(PROJECT, source, own, [mart])
            found[mart] = [one for one in used if one.name == mart]
        for one in found[mart]:
            text = (PROJECT / one.file).read_text(encoding="utf-8", errors="replace")
            if one.file.startswith(TASKS):
                roles = _roles(text, mart, column)
                if roles:
                    yield f"{mart}.{column}: used by {one.file} ({', '.join(roles)}): change it there"
            elif re.search(rf"(?<!\w){re.escape(column)}(?!\w)", text):
                yield f"{mart}.{column}: used by {one.file}: change it there"


def _roles(text: str, mart: str, column: str) -> list[str]:
    """Return what a column is in a task: a field of the declaration, such as `numeric` or `label`."""
    try:
        task = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    if not isinstance(task, dict) or task.get("table") != mart:
        return []
    return [field for field, value in task.items() if field != "candidates" and _names(value, column)]


def _names(value: Any, column: str) -> bool:
    if isinstance(value, dict):
        return any(_names(one, column) for name, one in value.items() if str(name).endswith("_column"))
    return column in value if isinstance(value, list) else value == column
