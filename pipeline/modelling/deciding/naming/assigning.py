"""Gives the draft tables and columns their names: the rules of `names`, and the names that the user chose."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.naming.names import (
    MAX_BYTES,
    PIPELINE,
    Names,
    allowed_name,
    distinct_names,
    joined_name,
    snake_case,
)
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable
from pipeline.modelling.flags import Flags
from waybill.json_pointers import ANY, join_pointer


def name_tables(tables: list[DraftTable], source: str, flags: Flags) -> None:
    """Set the suffix of each child table, and the column that numbers or names its rows, unless they are set."""
    children = tables[1:]
    wanted = {table.path: joined_name(_members(table.path)) for table in children}
    chosen = {table.path: _chosen_suffix(table, source, flags) or table.suffix for table in children}
    limit = MAX_BYTES - len(f"fct_{source}_")
    taken = [name for name in chosen.values() if name]
    _refuse_twice(taken, "--table")
    spelled = [path for path, name in wanted.items() if "_".join(_members(path)) == name]
    unnamed = {path: name for path, name in wanted.items() if not chosen[path]}
    names = distinct_names(unnamed, taken=taken, spelled=spelled, limit=limit)
    for table in children:
        table.suffix = chosen[table.path] or names[table.path]
        table.own_key = table.own_key or _own_key(table)


def _chosen_suffix(table: DraftTable, source: str, flags: Flags) -> str | None:
    name = flags.tables.get(table.path_text)
    if name is None:
        return None
    for prefix in (f"fct_{source}_", f"dim_{source}_"):
        name = name.removeprefix(prefix)
    limit = MAX_BYTES - len(f"fct_{source}_")
    if name != snake_case(name) or not 0 < len(name) <= limit:
        raise ModellingRefused(
            f"--table {table.path_text}={name}: a table's name has lower-case letters, digits and single underscores, "
            f"at most {limit} of them after fct_{source}_"
        )
    return name


def _own_key(table: DraftTable) -> str:
    """Return the column of an element's position or name; by its whole path if a table above has one of this name."""
    names = _members(table.path)
    ending = "number" if table.kind == "array" else "name"
    upper = inherited_keys(table.parent) if table.parent else []
    short = _cut(f"{joined_name(names[-1:])}_{ending}", table.path)
    return short if short not in upper else _cut(f"{table.suffix}_{ending}", table.path)


def _cut(name: str, path: Names) -> str:
    return distinct_names({path: f"field_{name}" if name[:1].isdigit() else name})[path]


def inherited_keys(table: DraftTable) -> list[str]:
    """Return the own keys of a table and of those above it."""
    upper = inherited_keys(table.parent) if table.parent else []
    return [*upper, table.own_key] if table.own_key else upper


def name_columns(table: DraftTable, key_columns: Iterable[str], flags: Flags) -> None:
    """Set the names of a table's columns that have none. `key_columns`: of the documents' own table, for children."""
    taken = {*key_columns, *inherited_keys(table)}
    chosen = {column.pointer: _chosen_column(column, taken, flags) or column.name for column in table.columns}
    given = [name for name in chosen.values() if name]
    _refuse_twice(given, "--column")
    wanted = {}
    for column in table.columns:
        if not chosen[column.pointer]:
            name = allowed_name(_wanted(column, table))
            wanted[column.pointer] = f"{_base(table)}_{name}" if name in taken and table.parent else name
    names = distinct_names(wanted, taken={*taken, *given}, spelled=_spelled(table.columns))
    for column in table.columns:
        column.name = chosen.get(column.pointer) or names[column.pointer]


def _spelled(columns: list[DraftColumn]) -> list[Names]:
    """Return the pointers whose member names need no change but the `_` between them."""
    fields = {column.pointer: column.pointer[: len(column.pointer) - len(column.wrapper)] for column in columns}
    return [pointer for pointer, field in fields.items() if "_".join(field) == joined_name(field)]


def _wanted(column: DraftColumn, table: DraftTable) -> str:
    names = column.pointer[: len(column.pointer) - len(column.wrapper)]
    return joined_name(names) if names else f"{_base(table)}_value" if table.parent else "document"


def _base(table: DraftTable) -> str:
    return joined_name(_members(table.path)[-1:])


def _members(path: Names) -> Names:
    return tuple(name for name in path if name != ANY) or path


def _chosen_column(column: DraftColumn, taken: set[str], flags: Flags) -> str | None:
    name = flags.columns.get(column.path_text) or flags.columns.get(join_pointer(column.field))
    if name is None:
        return None
    wrong = None
    if name != snake_case(name) or not 0 < len(name) <= MAX_BYTES or name[0].isdigit():
        wrong = f"a column's name has lower-case letters, digits and single underscores, at most {MAX_BYTES}"
    elif name != allowed_name(name):
        user = "the pipeline uses" if name in PIPELINE else "SQL or PostgreSQL reserves"
        wrong = f"{name} is a name that {user}; choose another one"
    elif name in taken:
        wrong = f"{name} is the name of a key column of the same table; choose another one"
    if wrong:
        raise ModellingRefused(f"--column {column.path_text}={name}: {wrong}")
    return name


def _refuse_twice(names: list[str], flag: str) -> None:
    twice = next((name for name in sorted(names) if names.count(name) > 1), None)
    if twice:
        raise ModellingRefused(f"{flag}: {twice} is given to two paths; give each its own name")
