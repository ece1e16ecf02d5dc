"""Creates and fills the marts of a design by Python alone: what dbt should make of the documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
from psycopg2 import sql
from psycopg2.extras import execute_values

from pipeline.modelling.design import JSON, Column, Design, Table
from tests.support.own_sources.compared_documents import dumped
from warehouse.connection import cursor_of
from waybill.json_pointers import split_pointer

READ = {
    "epoch_seconds": "timestamptz 'epoch' + {}::numeric * interval '1 second'",
    "epoch_milliseconds": "timestamptz 'epoch' + {}::numeric * interval '1 millisecond'",
}
Row = tuple[tuple[Any, ...], Any]  # the key, and the document or element


def fill_marts(design: Design, documents: Sequence[Any]) -> None:
    """Create the tables of a design in schema marts, with keys, and insert what the documents have for them."""
    rows: dict[str, list[Row]] = {}
    with cursor_of("owner") as cursor:
        for table in design.tables:
            if table.parent is None:
                rows[""] = [(_key(design, document), document) for document in documents]
            else:
                rows[table.suffix] = list(_elements(table, rows[table.parent]))
            cursor.execute(_created(design, table))
            values = [(*key, *_values(design, table, element)) for key, element in rows[table.suffix]]
            templates = [f"%s::{type_}" for type_ in _all_key_types(design, table)]
            templates += [_read(column) for column in _own_columns(design, table)]
            insert = sql.SQL("insert into {} values %s").format(sql.Identifier("marts", design.mart(table)))
            execute_values(cursor, insert, values, template=f"({', '.join(templates)})")


def value_counts(design: Design, documents: Sequence[Any]) -> dict[str, dict[str, int]]:
    """Return mart → column → how many values the documents have for it that are not null; `rows` counts rows."""
    counts: dict[str, dict[str, int]] = {}
    rows: dict[str, list[Row]] = {"": [((), document) for document in documents]}
    for table in design.tables:
        if table.parent is not None:
            rows[table.suffix] = list(_elements(table, rows[table.parent]))
        elements = [element for _, element in rows[table.suffix]]
        counts[design.mart(table)] = {"rows": len(elements)} | {
            column.name: sum(_at(element, column.pointer) is not None for element in elements)
            for column in table.columns
            if not column.others
        }
    return counts


def _key(design: Design, document: Any) -> tuple[Any, ...]:
    if design.value_key_column:
        return (str(uuid4()),)
    return tuple(_text(_at(document, column.pointer)) for column in _key_columns(design))


def _key_columns(design: Design) -> list[Column]:
    return [column for name in design.key_columns for column in design.root.columns if column.name == name]


def _key_types(design: Design) -> list[str]:
    return ["uuid"] if design.value_key_column else [column.sql_type for column in _key_columns(design)]


def _all_key_types(design: Design, table: Table) -> list[str]:
    above = [level for level in design.above(table) if level.parent is not None]
    return [*_key_types(design), *("integer" if level.kind == "array" else "text" for level in above)]


def _own_columns(design: Design, table: Table) -> list[Column]:
    return [column for column in table.columns if table.parent is not None or column.name not in design.key_columns]


def _elements(table: Table, parents: list[Row]) -> Iterator[Row]:
    for key, parent in parents:
        found = _at(parent, table.pointer)
        members = found.items() if isinstance(found, dict) else enumerate(found or (), start=1)
        for own, element in members:
            yield (*key, str(own)), element


def _created(design: Design, table: Table) -> sql.Composed:
    """Return the statement that creates a mart with its keys, and lets the reader read it."""
    names = design.primary_key(table)
    types = _all_key_types(design, table)
    columns = [(name, f"{type_} not null") for name, type_ in zip(names, types, strict=True)]
    columns += [(column.name, column.sql_type) for column in _own_columns(design, table)]
    parts = [sql.SQL("{} " + type_).format(sql.Identifier(name)) for name, type_ in columns]
    parts.append(sql.SQL("primary key ({})").format(_joined(names)))
    if table.parent is not None:
        parent = sql.Identifier("marts", design.mart(design.table(table.parent)))
        parts.append(sql.SQL("foreign key ({}) references {}").format(_joined(names[:-1]), parent))
    mart = sql.Identifier("marts", design.mart(table))
    created = sql.SQL("create table {} ({}); grant select on {} to public")
    return created.format(mart, sql.SQL(", ").join(parts), mart)


def _joined(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _values(design: Design, table: Table, element: Any) -> Iterator[str | None]:
    for column in _own_columns(design, table):
        if others := column.others:
            found = {pointer: _at(element, pointer) for pointer in others}
            yield dumped({pointer: value for pointer, value in found.items() if value is not None}).decode()
            continue
        value = _at(element, column.pointer)
        if column.type == JSON:
            yield None if value is None else dumped(value).decode()
        elif column.type in ("integer", "bigint") and value is not None:
            yield str(int(value))  # 1.0 is a whole number
        else:
            yield _text(value)


def _at(value: Any, pointer: str) -> Any:
    for name in split_pointer(pointer):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    """Return what `->>` makes of a value."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _read(column: Column) -> str:
    return READ.get(column.type, f"{{}}::{column.sql_type}").format("%s")


def drop_marts() -> None:
    """Drop all tables of schema marts."""
    with cursor_of("owner") as cursor:
        cursor.execute("select format('drop table %s cascade', oid::regclass) from pg_class"
            " where relnamespace = 'marts'::regnamespace and relkind = 'r'")  # fmt: skip
        for (drop,) in cursor.fetchall():
            cursor.execute(drop)
