"""Reads what PostgreSQL knows about a mart: its columns with types and keys, then counts over all of its rows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from psycopg2 import sql

from ml.columns import INTEGERS, NUMBERS, TEXTS, TIMES
from ml.errors import ProposalRefused
from ml.task import COLUMN, NAME
from waybill.cli import shown_command
from waybill.settings import PROJECT

Kind = Literal["number", "boolean", "text", "time", "json", "other"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys((*TEXTS, "uuid"), "text"),
    **dict.fromkeys(TIMES, "time"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "boolean": "boolean",
}
LARGEST = "1e308"  # beyond it a number does not fit into double precision
COLUMNS_A_QUERY = 250  # PostgreSQL returns at most 1,664

TABLES = """
select relname from pg_class
where relnamespace = to_regnamespace('marts') and relkind in ('r', 'p', 'v', 'm', 'f') order by 1
"""
COLUMNS = """
select columns.attname, format_type(columns.atttypid, null), types.typtype = 'e',
    exists (
        select from pg_index as keys
        where keys.indrelid = columns.attrelid and keys.indisprimary and columns.attnum = any(keys.indkey)
    ),
    exists (
        select from pg_index as keys
        where keys.indrelid = columns.attrelid and keys.indisunique and keys.indpred is null
            and keys.indnatts = 1 and keys.indkey[0] = columns.attnum
    ),
    (
        select keys.confrelid::regclass::text from pg_constraint as keys
        where keys.conrelid = columns.attrelid and keys.contype = 'f' and columns.attnum = any(keys.conkey)
        order by cardinality(keys.conkey), keys.conname limit 1
    )
from pg_attribute as columns
inner join pg_type as types on columns.atttypid = types.oid
where columns.attrelid = to_regclass(%s) and columns.attnum > 0 and not columns.attisdropped
order by columns.attnum
"""
PRIMARY_KEY = """
select columns.attname
from pg_index as keys
cross join unnest(keys.indkey::int2[]) with ordinality as parts (number, position)
inner join pg_attribute as columns on columns.attrelid = keys.indrelid and columns.attnum = parts.number
where keys.indrelid = to_regclass(%s) and keys.indisprimary
order by parts.position
"""


@dataclass(frozen=True)
class Column:
    """A column of a mart, with what was counted over all rows.

    `references` is the table that a foreign key points to. `distinct` counts the values that are not null; it is not
    counted for JSON. `span` is the largest whole number minus the smallest, plus one. `infinite` counts numbers that do
    not fit into double precision.
    """

    name: str
    type: str
    kind: Kind
    is_in_key: bool
    is_unique: bool
    references: str | None
    rows: int = 0
    missing: int = 0
    distinct: int = 0
    span: int | None = None
    infinite: int = 0


@dataclass(frozen=True)
class Mart:
    """A table in schema `marts`. `key` is its primary key, or the one column without null that has no value twice."""

    name: str
    rows: int
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str, use: str) -> Column:
        """Return a column that the user named for a use, e.g. `--label`.

        Raises:
            ProposalRefused: the mart has no such column.
        """
        names = [column.name for column in self.columns]
        if name not in names:
            raise ProposalRefused(f"{use} {name}: marts.{self.name} has no such column: {_nearest(name, names)}")
        if not re.search(COLUMN, name):
            raise ProposalRefused(f"{use} {name}: a task can only name columns of letters, digits and _: rename it")
        return self.columns[names.index(name)]


def read_mart(cursor: Any, name: str) -> Mart:
    """Read a mart's columns and count over all of its rows.

    Raises:
        ProposalRefused: there is no such table, it has no rows, or no key.
    """
    name = name.removeprefix("marts.")
    relation = sql.Identifier("marts", name)
    cursor.execute(COLUMNS, [relation.as_string(cursor)])
    columns = [
        Column(column, type_, "text" if is_enum else KINDS.get(type_, "other"), in_key, unique, references)
        for column, type_, is_enum, in_key, unique, references in cursor.fetchall()
    ]
    if columns and not re.search(NAME, name):
        raise ProposalRefused(f"marts.{name}: a task can only name tables of a-z, 0-9 and _, at most 60: rename it")
    if not columns:
        raise ProposalRefused(_unknown_table(cursor, name))
    parts = [columns[start : start + COLUMNS_A_QUERY] for start in range(0, len(columns), COLUMNS_A_QUERY)]
    counted = [one for part in parts for one in _counted(cursor, relation, part)]
    rows = counted[0].rows
    if not rows:
        raise ProposalRefused(f"marts.{name} has no rows: load documents and build it first")
    cursor.execute(PRIMARY_KEY, [relation.as_string(cursor)])
    primary = tuple(column for (column,) in cursor.fetchall())
    return Mart(name, rows, primary or _unique_column(name, counted), tuple(counted))


def _counted(cursor: Any, relation: sql.Identifier, columns: Sequence[Column]) -> Iterator[Column]:
    """Yield columns with their counts, from one pass over the table."""
    parts = [sql.SQL(expression).format(sql.Identifier(one.name)) for one in columns for expression in _counts(one)]
    cursor.execute(sql.SQL("select count(*), {} from {}").format(sql.SQL(", ").join(parts), relation))
    rows, *found = cursor.fetchone()
    for number, column in enumerate(columns):
        present, distinct, span, infinite = found[4 * number : 4 * number + 4]
        whole = None if span is None else int(span)
        yield replace(column, rows=rows, missing=rows - present, distinct=distinct, span=whole, infinite=infinite)


def _counts(column: Column) -> tuple[str, str, str, str]:
    is_float = column.kind == "number" and column.type not in INTEGERS
    return (
        "count({})",
        "count({})" if column.kind in ("json", "other") else "count(distinct {})",
        "max({0})::numeric - min({0}) + 1" if column.type in INTEGERS else "null",
        f"count(*) filter (where {{0}} <> 'NaN' and abs({{0}}) > {LARGEST})" if is_float else "0",
    )


def _unique_column(name: str, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the first column that identifies a row, for a mart without a primary key.

    Raises:
        ProposalRefused: there is none.
    """
    found = [
        one
        for one in columns
        if one.distinct == one.rows and (one.kind == "text" or one.type in INTEGERS) and one.name[0] != "_"
    ]
    if not found:
        raise ProposalRefused(
            f"marts.{name} has no primary key, and no text or integer column is different in every row: "
            "add a key to the mart, so that each prediction has its row"
        )
    return (found[0].name,)


def _unknown_table(cursor: Any, name: str) -> str:
    if any((PROJECT / "dbt_project/models/marts").rglob(f"{name}.sql")):
        return f"marts.{name} is not built yet: run `{shown_command(f'dbt build --select +{name}')}`"
    cursor.execute(TABLES)
    return f"there is no table marts.{name}: {_nearest(name, [table for (table,) in cursor.fetchall()])}"


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    shown = f"{', '.join(names[:20])}{', …' if len(names) > 20 else ''}"
    return f"choose from {shown}" if names else "load documents and build the marts first"
