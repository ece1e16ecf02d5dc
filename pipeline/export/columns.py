"""Which columns of a mart the documents take, and how PostgreSQL writes each of them.

A shape names a column alone, or with the form that the value had in its source: `count as text` gives `"12"`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    Numeric,
    String,
    Text,
    TypeDecorator,
    Uuid,
    cast,
    func,
    select,
)

from pipeline.errors import ExportRefused

PER_SECOND = {"seconds": 1, "milliseconds": 1000}
FORMS = ("text", *PER_SECOND, *(f"{unit} text" for unit in PER_SECOND))  # what a shape may ask for after `as`
PAIRS = "pairs"

Row = Sequence[Any]


class JsonText(TypeDecorator[orjson.Fragment]):
    """JSON that PostgreSQL wrote. It becomes part of the document unchanged, so that no digit of a number is lost."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: object) -> orjson.Fragment | None:
        """Return the text as a part of a JSON document."""
        return None if value is None else orjson.Fragment(value)


class Columns:
    """The columns of one mart that are read, in the order in which they were asked for, and the order of the rows."""

    def __init__(self, mapped: Any, shape_file: str) -> None:
        """Begin with the primary key, which is the order of the rows as well."""
        self.mapped, self.table, self._shape_file = mapped, mapped.__table__, shape_file
        self._columns = {column.name: column for column in self.table.columns if not column.name.startswith("_")}
        self._positions: dict[str, int] = {}
        self.expressions: list[Any] = []
        self.without: str | None = None
        self.order = [column.name for column in self.table.primary_key.columns]
        self.key_of = self.values_of(self.order)

    @property
    def has_json(self) -> bool:
        """Whether a column is read as JSON that PostgreSQL wrote."""
        return any(isinstance(expression.type, JsonText) for expression in self.expressions)

    def position(self, content: str) -> int:
        """Return the position in a row of what a shape asks for, `<column>` or `<column> as <form>`.

        Raises:
            ExportRefused: the mart has no such column.
        """
        if content not in self._positions:
            name, _, form = content.partition(" as ")
            self._positions[content] = len(self.expressions)
            self.expressions.append(_written(self.find(name), form).label(f"value_{len(self.expressions)}"))
        return self._positions[content]

    def values_of(self, names: Sequence[str]) -> Callable[[Row], Any]:
        """Return the function that returns the values of some columns from a row, in a form that can be compared."""
        plain = {name: isinstance(_written(self.find(name), "").type, JsonText) for name in names}
        return itemgetter(*(self.position(f"{name} as text" if is_json else name) for name, is_json in plain.items()))

    @property
    def conditions(self) -> list[Any]:
        """What is true of the rows that are read."""
        return [] if self.without is None else [self.find(self.without).is_not(True)]

    def find(self, name: str) -> Any:
        """Return a column of the mart. Raise ExportRefused if it has none of this name."""
        if name not in self._columns:
            raise ExportRefused(
                f"{self.table.name} has no column {name}: correct pipeline/export/shapes/{self._shape_file}"
            )
        return self._columns[name]


def _written(column: Any, form: str) -> Any:
    """Return the expression that gives a column's value in one of the forms, or in the one for its type."""
    if form == "text":
        return cast(column, Text)
    if form == PAIRS:
        pair = func.jsonb_each(column).table_valued("key", "value")
        texts = select(func.jsonb_object_agg(pair.c.key, cast(pair.c.value, Text)))
        return cast(texts.scalar_subquery(), Text)
    if form:
        unit, _, as_text = form.partition(" ")
        number = func.trim_scale(func.extract("epoch", column) * PER_SECOND[unit])
        return cast(number, Text if as_text else JsonText)
    kind = column.type
    if isinstance(kind, String | Integer | Boolean | Float):
        return column
    if isinstance(kind, DateTime):
        return _iso(func.timezone("UTC", column)).concat("Z") if kind.timezone else _iso(column)
    if isinstance(kind, Date | Uuid):
        return cast(column, Text)
    return cast(column if isinstance(kind, Numeric | JSON) else func.to_jsonb(column), JsonText)


def _iso(time: Any) -> Any:
    """Return the text of a time in the form of ISO 8601: with a fraction of a second only if there is one."""
    return func.replace(cast(time, Text), " ", "T", type_=Text)
