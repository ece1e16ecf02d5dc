"""Builds the nested documents of a mart from its rows, the dimensions they refer to, and the rows of child marts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.errors import ExportRefused
from pipeline.export.children import Build, Children, stream
from pipeline.export.columns import PAIRS, Columns, Row
from pipeline.export.marts_orm import SCHEMA, references
from pipeline.export.shapes import Shape
from waybill.json_pointers import split_pointer


class Documents:
    """The documents of one shape. Each mart is read once, in key order: memory holds some thousand rows of each."""

    def __init__(self, session: Session, shape: Shape, marts: Mapping[str, Any]) -> None:
        """Plan the queries, and read the dimensions.

        Raises:
            ExportRefused: a mart, a column or a foreign key that the shape names does not exist.
        """
        self._session, self._shape, self._marts = session, shape, marts
        self._children: list[Children] = []
        self._root = self._columns(shape.mart)
        self._root.without = shape.without
        known = references(self._root.mapped)
        if missing := sorted(shape.members.keys() - known.keys()):
            raise ExportRefused(
                f"{SCHEMA}.{shape.mart} has no foreign key for {', '.join(missing)}: run `make dbt` to set it"
            )
        self._members = {name: self._member(name, *known[name]) for name in shape.members}
        self._build = self._element(shape.document, self._root)

    @property
    def has_json(self) -> bool:
        """Whether the documents have parts that PostgreSQL wrote as JSON and Python has not read."""
        read = (self._root, *(child.columns for child in self._children))
        return bool(self._shape.pairs) or any(columns.has_json for columns in read)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield (key, document) in the order of the key."""
        for child in self._children:
            child.start(self._session)
        key_of, build = self._root.key_of, self._build
        for row in stream(self._session, self._root):
            yield key_of(row), build(row)
        for child in self._children:
            child.require_end()

    def _columns(self, mart: str) -> Columns:
        if mart not in self._marts:
            raise ExportRefused(f"there is no table {SCHEMA}.{mart} with a primary key: run `make dbt` first")
        return Columns(self._marts[mart], self._shape.file.name)

    def _element(self, content: Any, mart: Columns) -> Build:
        """Return the function that makes the document or element of a row: an object is never None."""
        make = self._make(content, mart)
        if not isinstance(content, Mapping):
            return make
        if (pairs := self._shape.pairs.get(mart.table.name)) is None:
            return (lambda row: make(row) or {}) if self._shape.leaves_out_nulls else make
        position = mart.position(f"{pairs} as {PAIRS}")
        return lambda row: _with_pairs(make(row) or {}, row[position])

    def _make(self, content: Any, mart: Columns) -> Build:
        """Return the function that makes a part of the document."""
        if isinstance(content, Mapping):
            return self._object(content, mart)
        if content in self._shape.children:
            return self._nested(content, mart)
        if self._is_member(content, mart):
            return self._members[content]
        return itemgetter(mart.position(content))

    def _is_member(self, content: Any, mart: Columns) -> bool:
        return mart is self._root and content in self._shape.members

    def _is_column(self, content: Any, mart: Columns) -> bool:
        is_nested = isinstance(content, Mapping) or content in self._shape.children
        return not (is_nested or self._is_member(content, mart))

    def _object(self, fields: Mapping[str, Any], mart: Columns) -> Build:
        """Return the function that makes an object. Plain columns are taken from a row together, which is faster."""
        nested = {
            name: self._make(content, mart) for name, content in fields.items() if not self._is_column(content, mart)
        }
        names = tuple(fields)
        take = _taking([0 if name in nested else mart.position(content) for name, content in fields.items()])

        def build(row: Row) -> dict[str, Any]:
            built = dict(zip(names, take(row)))  # noqa: B905  # (strict=True takes a fifth longer)
            for name, make in nested.items():
                built[name] = make(row)
            return built

        def build_without_nulls(row: Row) -> dict[str, Any] | None:
            built = dict(zip(names, take(row), strict=True))
            for name, make in nested.items():
                built[name] = make(row) or None
            return {name: value for name, value in built.items() if value is not None} or None

        return build_without_nulls if self._shape.leaves_out_nulls else build

    def _nested(self, mart: str, parent: Columns) -> Build:
        """Return the function that makes the array or map of a row from the rows of a child mart."""
        columns = self._columns(mart)
        children = Children(columns, parent)
        element = self._element(self._shape.children[mart], columns)
        self._children.append(children)
        key_of = parent.values_of(parent.order)
        return lambda row: children.take(key_of(row), element)

    def _member(self, name: str, key: str, dimension: Any) -> Build:
        """Return the function that looks up a row's member of a dimension, whose rows it reads."""
        chosen = self._shape.members[name]
        columns = Columns(dimension, self._shape.file.name)
        take = _taking([columns.position(column) for column in chosen])
        rows = self._session.execute(select(*columns.expressions))
        members = {columns.key_of(row): dict(zip(chosen, take(row), strict=True)) for row in rows}
        key_of = self._root.values_of([key])
        return lambda row: members.get(key_of(row))


def _taking(positions: list[int]) -> Build:
    """Return the function that returns the values at some positions of a row, as a tuple."""
    if not positions:
        return lambda row: ()
    if len(positions) == 1:
        (position,) = positions
        return lambda row: (row[position],)
    return itemgetter(*positions)


def _with_pairs(built: dict[str, Any], pairs: str | None) -> dict[str, Any]:
    """Put the values of an object {pointer: JSON text}, itself JSON text, in their places."""
    for pointer, value in orjson.loads(pairs or "{}").items():
        *above, last = split_pointer(pointer)
        place = built
        for name in above:
            place = place.setdefault(name, {})
        place[last] = orjson.Fragment(value)
    return built
