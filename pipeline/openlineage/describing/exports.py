"""Describes an export: the marts whose rows are in the documents, and the file."""

from __future__ import annotations

from pipeline.export.shapes import read_shapes
from pipeline.openlineage.datasets import Described, file, table
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader


def describe_export(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the mart with its child marts, and the file with the documents and bytes that were written."""
    work = change.begun.work
    shape = next((one for one in read_shapes() if one.mart == work.name), None)
    children = [name for name in shape.children if reader.columns("marts", name)] if shape else []
    rows, size = (work.found.get("rows"), work.found.get("bytes")) if change.state == "COMPLETE" else (None, None)
    return Described(
        [table(reader, "marts", name).as_input() for name in (work.name, *children)],
        [file(work.facts["file"]).as_output(rows=rows, size=size)],
    )
