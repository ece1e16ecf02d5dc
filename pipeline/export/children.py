"""Reads the rows of child marts beside those of their parents: both in the order of the parent's key, each row once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Session

from pipeline.errors import ExportRefused
from pipeline.export.columns import Columns, Row

FETCH_ROWS = 2_000

Build = Callable[[Row], Any]


class Children:
    """The rows of one child mart, taken parent by parent, as the elements of an array or the members of a map."""

    def __init__(self, columns: Columns, parent: Columns) -> None:
        """Find the foreign key to the parent, and the one column of the primary key that is not part of it.

        Raises:
            ExportRefused: the database has no such key.
        """
        self.columns = columns
        of_parent = _key_to(columns, parent)
        keys = [of_parent[name] for name in parent.order]
        own = [column for column in columns.table.primary_key.columns if column.name not in keys]
        if len(own) != 1:
            raise ExportRefused(
                f"the primary key of {columns.table} must be the key of {parent.table} and one more column, "
                "the number of an element or the name of a member: run `make dbt` to set it"
            )
        columns.order = [*keys, own[0].name]
        self._is_map = isinstance(own[0].type, String)
        self._parent_key = columns.values_of(keys)
        self._own = columns.position(own[0].name)
        self._rows: Iterator[Row] = iter(())
        self._next: Row | None = None

    def start(self, session: Session) -> None:
        """Begin to read."""
        self._rows = stream(session, self.columns)
        self._next = next(self._rows, None)

    def take(self, key: Any, build: Build) -> list[Any] | dict[str, Any]:
        """Return the elements of the parent with this key. Parents ask in the order of their keys, each once."""
        taken = []
        while self._next is not None and self._parent_key(self._next) == key:
            taken.append((self._next[self._own], build(self._next)))
            self._next = next(self._rows, None)
        return dict(taken) if self._is_map else [element for _, element in taken]

    def require_end(self) -> None:
        """Raise ExportRefused if a row is left that belongs to none of the parents."""
        if self._next is not None:
            raise ExportRefused(
                f"a row of {self.columns.table} belongs to no document: {self._parent_key(self._next)}: "
                "run `make dbt` to set its foreign key"
            )


def stream(session: Session, columns: Columns) -> Iterator[Row]:
    """Yield the rows of a mart in their order: the server keeps them and sends some at a time."""
    query = select(*columns.expressions).where(*columns.conditions).order_by(*map(columns.find, columns.order))
    streamed = session.execute(query, execution_options={"yield_per": FETCH_ROWS})
    return chain.from_iterable(streamed.partitions())


def _key_to(columns: Columns, parent: Columns) -> dict[str, str]:
    """Return column of the parent → column of the child, of the foreign key whose columns begin the primary key."""
    primary = [column.name for column in columns.table.primary_key.columns]
    for key in columns.table.foreign_key_constraints:
        names = {column.name for column in key.columns}
        if key.referred_table is parent.table and names == set(primary[: len(names)]):
            return {element.column.name: element.parent.name for element in key.elements}
    raise ExportRefused(f"{columns.table} has no foreign key to {parent.table}: run `make dbt` to set it")
