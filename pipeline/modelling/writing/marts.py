"""Writes the marts: one for the documents, one for each table of elements in them."""

from __future__ import annotations

from pipeline.modelling.design import Design, Table
from pipeline.modelling.writing.columns import levels, mart_columns, row_of
from pipeline.modelling.writing.rendering import render
from pipeline.modelling.writing.unit_tests import unit_test


def files(design: Design) -> dict[str, str]:
    """Return path → text of the marts and their descriptions."""
    found = {}
    for table in design.tables:
        path = f"dbt_project/models/marts/{design.source}/{design.mart(table)}"
        found[f"{path}.sql"] = _documents(design) if table.parent is None else _elements(design, table)
        found[f"{path}.yml"] = _description(design, table)
    return found


def _documents(design: Design) -> str:
    names = [
        column.name
        for column in mart_columns(design, design.root)
        if not column.name.startswith("_") and column.name != "is_inferred"
    ]
    return render("mart.sql", design=design, names=names)


def _elements(design: Design, table: Table) -> str:
    parent = design.table(str(table.parent))
    return render(
        "mart_child.sql",
        design=design,
        table=table,
        row_of=row_of(table),
        parent=design.mart(parent),
        staging=design.staging(table),
        parent_key=design.primary_key(parent),
        shared=_shared(design, table),
    )


def _description(design: Design, table: Table) -> str:
    parent = None if table.parent is None else design.table(table.parent)
    one_row = "current document" if parent is None else f"{row_of(table)} in the current documents"
    return render(
        "mart.yml",
        design=design,
        name=design.mart(table),
        description=f"One row per {one_row} of {design.source}.",
        key=design.primary_key(table),
        parent=parent and design.mart(parent),
        parent_key=parent and design.primary_key(parent),
        staging=design.staging(table),
        shared=_shared(design, table),
        columns=list(mart_columns(design, table)),
        unit_test=None if parent else unit_test(design),
    )


def _shared(design: Design, table: Table) -> list[str]:
    """Return the columns, besides batch and position, that connect a row of a child table with its parent's."""
    return [str(level.own_key) for level in levels(design, table)[:-1]]
