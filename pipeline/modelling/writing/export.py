"""Writes the shape and the JSON Schema of the exported documents: nested like those that were delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.modelling.design import NUMBER_WRAPPERS, Column, Design, Table
from waybill.declared.yaml_files import dumped
from waybill.json_pointers import split_pointer

UNITS = {"epoch_seconds": "seconds", "epoch_milliseconds": "milliseconds"}
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"
SCHEMAS: dict[str, dict[str, str]] = {
    "text": {"type": "string"},
    "uuid": {"type": "string"},
    "integer": {"type": "integer"},
    "bigint": {"type": "integer"},
    "numeric": {"type": "number"},
    "double precision": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
    "timestamp": {"type": "string", "pattern": f"{TIME}$"},
    "timestamptz": {"type": "string", "pattern": f"{TIME}Z$"},
}

Leaf = Column | Table  # a table is a leaf of the table above it
Tree = dict[str, Any]  # member → its tree, or a leaf


def files(design: Design) -> dict[str, str]:
    """Return path → text of the shape and the schema of the documents."""
    mart = design.mart(design.root)
    return {
        f"pipeline/export/shapes/{mart}.yml": _shape(design),
        f"pipeline/export/schemas/{mart}.schema.json": f"{json.dumps(_schema(design), indent=2, ensure_ascii=False)}\n",
    }


def _shape(design: Design) -> str:
    content: dict[str, Any] = {"nulls": "left out"}
    if design.is_dimension:
        content["without"] = "is_inferred"
    if children := {design.mart(table): _content(design, _tree(design, table)) for table in design.children}:
        content["children"] = children
    others = [(table, column) for table in design.tables for column in table.columns if _has_others(column)]
    if others:
        content["pairs"] = {design.mart(table): column.name for table, column in others}
    content["document"] = _content(design, _tree(design, design.root))
    written = dumped(content, width=1_000_000)
    return f"# The exported document of {design.source}; pipeline/export/shapes.py describes this file.\n{written}"


def _tree(design: Design, table: Table) -> Tree | Leaf:
    """Return the members of a table's element, the key's first and then by pointer; or the one leaf that it is."""
    below = [child for child in design.children if child.parent == table.suffix]
    leaves: list[Leaf] = [*(column for column in table.columns if not _has_others(column)), *below]
    tree: Tree = {}
    for leaf in sorted(leaves, key=lambda leaf: (not _is_key(design, leaf), split_pointer(leaf.pointer))):
        if not leaf.pointer:
            return leaf
        *above, last = split_pointer(leaf.pointer)
        place = tree
        for name in above:
            place = place.setdefault(name, {})
        place[last] = leaf
    return tree


def _has_others(column: Column) -> bool:
    """Whether a column holds the fields for which a row has no room, as pointer → value."""
    return bool(column.others)


def _is_key(design: Design, leaf: Leaf) -> bool:
    return isinstance(leaf, Column) and leaf in design.root.columns and leaf.name in design.key_columns


def _content(design: Design, tree: Tree | Leaf) -> Any:
    """Return what fills a part of the document, as the shape writes it."""
    if isinstance(tree, Table):
        return design.mart(tree)
    if isinstance(tree, Column):
        return " as ".join(filter(None, (tree.name, _form(tree))))
    return {name: _content(design, member) for name, member in tree.items()}


def _form(column: Column) -> str:
    """Return the form that the value had in the source, if the column's type does not give it."""
    is_numeral = column.wrapper in NUMBER_WRAPPERS and column.sql_type != "text"
    return " ".join(filter(None, (UNITS.get(column.type), "text" if is_numeral else "")))


def _schema(design: Design) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A document of {design.source}",
        "description": f"One document of {design.mart(design.root)}. What has no value is left out.",
        **_element_schema(design, design.root),
    }


def _element_schema(design: Design, table: Table) -> dict[str, Any]:
    """Return the schema of a table's element. With other fields in pairs, it may have any member."""
    is_open = any(_has_others(column) for column in table.columns)
    return _part_schema(design, _tree(design, table), is_open=is_open)


def _part_schema(design: Design, tree: Tree | Leaf, *, is_open: bool) -> dict[str, Any]:
    if isinstance(tree, Column):
        return _column_schema(tree)
    if isinstance(tree, Table):
        element = _nullable(_element_schema(design, tree))
        if tree.kind == "map":
            return {"type": "object", "additionalProperties": element}
        return {"type": "array", "items": element}
    required = [name for name, member in tree.items() if any(_is_key(design, leaf) for leaf in _leaves([member]))]
    return {
        "type": "object",
        **({"required": required} if required else {}),
        **({} if is_open else {"additionalProperties": False}),
        "properties": {name: _part_schema(design, member, is_open=is_open) for name, member in tree.items()},
    }


def _column_schema(column: Column) -> dict[str, str]:
    form = _form(column)
    if form:
        return {"type": "string" if form.endswith("text") else "number"}
    return SCHEMAS.get(column.sql_type, {})


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an element of an array or map, where a scalar may be null."""
    scalar = schema.get("type") not in (None, "object", "array")
    return {**schema, "type": [schema["type"], "null"]} if scalar else schema


def _leaves(trees: Iterable[Tree | Leaf]) -> Iterator[Leaf]:
    for tree in trees:
        if isinstance(tree, dict):
            yield from _leaves(tree.values())
        else:
            yield tree
