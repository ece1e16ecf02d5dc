"""Writes the contract of a source: a document is an object with key and version, and every field is named.

No other field has a type: a value of another type than the column's is a cast's business, and no reason to reject a
document. Every object names its fields, so a field that is new anywhere is reported as drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from loader.declared_types import VALUE
from pipeline.modelling.design import NUMBER_WRAPPERS, Column, Design, Table
from waybill.json_pointers import ANY, split_pointer

NUMBERS = ("integer", "bigint", "minutes", "hhmm", "epoch_seconds", "epoch_milliseconds")
NUMBER_OR_TEXT = (*NUMBER_WRAPPERS, "$date")  # exports write both
EVERY = {"array": "items", "map": "additionalProperties"}

Schema = dict[str, Any]


def files(design: Design) -> dict[str, str]:
    """Return the contract by its path in the project."""
    text = json.dumps(contract(design), indent=2, ensure_ascii=False)
    return {f"loader/contracts/{design.source}.schema.json": f"{text}\n"}


def contract(design: Design) -> Schema:
    """Return the JSON Schema of the documents."""
    fields: Schema = {}
    elements: dict[str, Schema] = {}
    for table in design.tables:
        elements[table.suffix] = element = _element(table, fields, elements)
        for column in table.columns:
            for pointer in column.others or (column.pointer,):
                _at(element, split_pointer(pointer))
    for path, _ in design.left_out:
        _name_left_out(fields, split_pointer(path))
    for pointer in () if design.key == (VALUE,) else design.key:
        _require(fields, split_pointer(pointer), _kind(design.root.columns, pointer))
    if design.version.startswith("/"):
        _require(fields, split_pointer(design.version), {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": design.description,
        "type": "object",
        **_sorted(fields),
    }


def _element(table: Table, fields: Schema, elements: dict[str, Schema]) -> Schema:
    """Return the schema of what a row of a table is made from: the document, an element or a member's value."""
    if table.parent is None:
        return fields
    whole = _at(elements[table.parent], split_pointer(table.pointer))
    schema: Schema = whole.setdefault(EVERY[table.kind], {})
    return schema


def _at(schema: Schema, names: Iterable[str]) -> Schema:
    """Return the schema of a field, and name all fields on the way to it."""
    for name in names:
        schema = schema.setdefault("properties", {}).setdefault(name, {})
    return schema


def _name_left_out(schema: Schema, names: list[str]) -> None:
    """Name a field that no mart holds; `*` is each element or member where the schema has any."""
    for name in names:
        every = next((keyword for keyword in EVERY.values() if keyword in schema), None)
        if name == ANY and every:
            schema = schema[every]
        elif name == ANY and "properties" not in schema:
            return  # of something that is left out as a whole, or kept as JSON
        else:
            schema = _at(schema, [name])


def _require(schema: Schema, names: list[str], value: Schema) -> None:
    for name in names:
        schema["type"] = "object"
        required: list[str] = schema.setdefault("required", [])
        if name not in required:
            required.append(name)
        schema = _at(schema, [name])
    schema.update(value)


def _kind(columns: Iterable[Column], pointer: str) -> Schema:
    """Return what the contract says about a field of the key."""
    column = next(column for column in columns if column.pointer == pointer)
    if column.wrapper in NUMBER_OR_TEXT:
        return {"type": ["string", "number"], "minLength": 1}
    if column.type == "boolean":
        return {"type": "boolean"}
    if column.type in NUMBERS or column.type == "numeric":
        return {"type": "integer"}
    return {"type": "string", "minLength": 1}


def _sorted(schema: Schema) -> Schema:
    """Return a schema with its fields in the order of their names."""
    found: Schema = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            continue
        found[keyword] = (
            sorted(value) if keyword == "required" else _sorted(value) if keyword in EVERY.values() else value
        )
    if "properties" in schema:
        found["properties"] = {name: _sorted(part) for name, part in sorted(schema["properties"].items())}
    return found
