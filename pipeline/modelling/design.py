"""How a source is modelled: its key, version, tables and columns, and why. `deciding` makes it, `writing` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from loader.declarations import FilePattern
from loader.declared_types import VALUE

JSON = "jsonb"
SQL_TYPES = {"epoch_seconds": "timestamptz", "epoch_milliseconds": "timestamptz"}
NUMBER_WRAPPERS = ("$numberLong", "$numberInt", "$numberDouble", "$numberDecimal")  # exports put these around numbers


def sql_type(type_: str) -> str:
    """Return the type in PostgreSQL of a column of a type of the staging macros."""
    return "timestamptz" if type_.startswith("timestamptz in ") else SQL_TYPES.get(type_, type_)


@dataclass(frozen=True)
class Reference:
    """A column that holds keys of another source's mart: `orphans` of its `values` different values are not there."""

    mart: str
    column: str
    is_dimension: bool
    values: int
    orphans: int


@dataclass(frozen=True)
class Column:
    """A column of a mart, and the leaf of the document that fills it.

    `pointer` leads from the table's own element to the value: `""` is the element itself (scalars in an array, values
    of a map). `path` is the same from the whole document, with `*` for elements, e.g. `/grades/*/score`. `type` is a
    type of the staging macros (`text`, `integer`, `timestamptz in Europe/Paris` …) or `jsonb`; `evidence` says why.
    `wrapper` is the member of an export wrapper that the pointer ends in, e.g. `$oid`. The rest was observed:
    `missing` values that are null or absent, of `rows`; `values` with their counts if the column is an enumeration;
    lowest and highest value as text, mean and deviation of numbers (of a boolean, the share of true). `others` is set
    for the column `other_fields` only: the pointers of the fields that a row has no room for, which it holds as an
    object from pointer to value.

    What only some columns have sharpens the warnings of the expectations, which do without it otherwise: `distinct`,
    how many different values there are, or 101 for more than 100; `longest`, the characters of the longest text;
    `pattern`, a POSIX regular expression that all texts match (UUIDs, digits); of dates and timestamps `days`, on how
    many different days they are, and `busiest_day`, the most rows on one day.
    """

    name: str
    pointer: str
    path: str
    type: str
    rows: int
    missing: int = 0
    wrapper: str | None = None
    values: tuple[tuple[str, int], ...] = ()
    lowest: str | None = None
    highest: str | None = None
    mean: float | None = None
    deviation: float | None = None
    reference: Reference | None = None
    evidence: str = ""
    others: tuple[str, ...] = ()
    distinct: int | None = None
    longest: int | None = None
    pattern: str | None = None
    days: int | None = None
    busiest_day: int | None = None

    @property
    def sql_type(self) -> str:
        """The type of the column in PostgreSQL."""
        return sql_type(self.type)


@dataclass(frozen=True)
class Table:
    """A mart: the documents themselves (`document`), or the elements of an array or map in them.

    `suffix` is empty for the documents' own table, else what its names end with: `grades` gives
    `fct_restaurants_grades` and `stg_restaurants_grades`. `path` leads to the array or map from the whole document
    (`/grades`, `/grades/*/marks`), `pointer` from the parent table's element. `number_column` holds the position of
    an element in its array, from 1 on; `name_column` the member's name in a map. `parent` is the suffix of the table
    above; None for the documents' own.
    """

    suffix: str
    kind: Literal["document", "array", "map"]
    path: str
    pointer: str
    columns: tuple[Column, ...]
    rows: int
    parent: str | None = None
    number_column: str | None = None
    name_column: str | None = None

    @property
    def own_key(self) -> str | None:
        """The column that, with the key of the parent, identifies a row of a child table."""
        return self.number_column or self.name_column

    @property
    def element_path(self) -> str:
        """The path of what a row is made from: the document, or each element or member."""
        return self.path if self.parent is None else f"{self.path}/*"


@dataclass(frozen=True)
class Decision:
    """One decision for the user to see: about what, what was decided, and the evidence; `flag` changes it.

    `examples` are values of documents. They are printed, and written into no file: an erase changes no file of the
    project.
    """

    about: str
    choice: str
    evidence: str
    flag: str = ""
    examples: str = field(default="", compare=False)


@dataclass(frozen=True)
class Design:
    """The model of one source. `key` has pointers, or is `("value",)`; `version` is a pointer or `delivery`.

    `tables` begins with the documents' own; a parent comes before its children. `left_out` is path -> reason.
    `different_keys` is how many keys the documents have, so how many are current; None if that was not counted.
    `merged` lists path -> what becomes null and cannot be distinguished any more, with counts, for the report.
    """

    source: str
    description: str
    files: tuple[FilePattern, ...]
    key: tuple[str, ...]
    version: str
    tables: tuple[Table, ...]
    documents: int
    is_dimension: bool = False
    withdrawn_when: tuple[str, tuple[str, ...]] | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    merged: tuple[tuple[str, str], ...] = ()
    decisions: tuple[Decision, ...] = ()
    different_keys: int | None = None

    @property
    def prefix(self) -> str:
        """What the names of the marts begin with."""
        return "dim" if self.is_dimension else "fct"

    @property
    def root(self) -> Table:
        """The table of the documents themselves."""
        return self.tables[0]

    @property
    def children(self) -> tuple[Table, ...]:
        """The tables of elements."""
        return self.tables[1:]

    @property
    def value_key_column(self) -> str | None:
        """The key column of a source whose key is the value itself; None for every other source."""
        return f"{self.source}_key" if self.key == (VALUE,) else None

    @cached_property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of the documents' own key, in the declared order."""
        if self.value_key_column:
            return (self.value_key_column,)
        by_pointer = {column.pointer: column.name for column in self.root.columns}
        return tuple(by_pointer[pointer] for pointer in self.key)

    def mart(self, table: Table) -> str:
        """Return the name of a table's mart."""
        return "_".join(filter(None, (self.prefix, self.source, table.suffix)))

    def staging(self, table: Table) -> str:
        """Return the name of a table's staging view."""
        return "_".join(filter(None, ("stg", self.source, table.suffix)))

    def table(self, suffix: str) -> Table:
        """Return the table with this suffix."""
        return next(table for table in self.tables if table.suffix == suffix)

    def primary_key(self, table: Table) -> tuple[str, ...]:
        """Return the primary key of a table's mart: the parent's, then the position or name in it."""
        if table.parent is None:
            return self.key_columns
        return (*self.primary_key(self.table(table.parent)), str(table.own_key))

    def above(self, table: Table) -> Iterator[Table]:
        """Yield the tables from the documents' own down to this one."""
        if table.parent is not None:
            yield from self.above(self.table(table.parent))
        yield table
