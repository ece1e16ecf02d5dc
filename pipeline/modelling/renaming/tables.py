"""Renames a source in the warehouse, in one transaction: raw table, ledger, dbt's state, tables, views, constraints.

Columns named `source` hold names of sources, columns named `model` and `mart` names of models: all tables that have one
are found in the catalogue. Afterwards, ledger and models know every batch as before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from pipeline.errors import ModellingRefused
from pipeline.modelling.renaming.names import MAX_NAME_BYTES, Renaming
from pipeline.modelling.renaming.texts import renamed_prose
from warehouse.connection import connect, cursor_of
from warehouse.errors import RunInProgress
from warehouse.migrations.workers import KEY, lock_holders
from warehouse.schema import INDEX_SUFFIX
from waybill.text import counted

LAYERS = ("staging", "intermediate", "marts")
IS_KNOWN = "select exists (select from ledger.inputs where source = %s)"
BARRED = "select count(distinct key_hash) from ledger.barred_keys where source = %s"
NAMING_COLUMNS = """
select table_schema, table_name, column_name
from information_schema.columns
inner join information_schema.tables using (table_schema, table_name)
where table_type = 'BASE TABLE'
    and (
        (column_name = 'source' and table_schema in ('ledger', 'intermediate'))
        or (column_name in ('model', 'mart') and table_schema = 'intermediate')
    )
    and data_type = 'text' and table_name not like 'int\\_%%'
order by 1, 2, 3
"""
RELATIONS = """
select schemas.nspname, classes.relname, classes.relkind::text
from pg_class as classes
inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
where schemas.nspname = any(%(schemas)s) and classes.relname = any(%(names)s) and classes.relkind in ('r', 'p', 'v')
order by 1, 2
"""
COLUMNS = """
select attname from pg_attribute
where attrelid = %s::regclass and attname = any(%s) and attnum > 0 and not attisdropped
"""
CONSTRAINTS = """
select conname, contype::text, (
    select array_agg(attributes.attname::text order by keys.number)
    from unnest(conkey) with ordinality as keys (attnum, number)
    inner join pg_attribute as attributes on attributes.attrelid = conrelid and attributes.attnum = keys.attnum
)
from pg_constraint
where conrelid = to_regclass(%s) and contype in ('p', 'u', 'f', 'c', 'n')
order by conname
"""
COMMENTS = """
select (select attname from pg_attribute where attrelid = objoid and attnum = objsubid and objsubid > 0), description
from pg_description
where classoid = 'pg_class'::regclass and objoid = %s::regclass
"""

FORGET_DEFINITIONS = "update intermediate.model_builds set columns = null, views = null where model = any(%s)"


@contextmanager
def renamed_tables(renaming: Renaming) -> Iterator[None]:
    """Rename everything in the warehouse, and let no other command work on it before the block ends.

    `require_free_tables` has to come before, when the command begins: what has the new name now was renamed by it, and
    nothing is left to do. A load that was refused in between may have made an empty raw table; it is dropped.

    Raises:
        RunInProgress: another command works on the warehouse.
        ModellingRefused: keys of the source were barred in between.
    """
    connection = connect("owner")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            _lock(cursor, renaming)
        connection.autocommit = False
        with connection, connection.cursor() as cursor:
            is_renamed = _is_taken(cursor, renaming) is not None
            _drop_if_empty(cursor, renaming.old if is_renamed else renaming.new)
            if not is_renamed:
                _require_no_bars(cursor, renaming.old)
                _rename(cursor, renaming)
        yield
    finally:
        connection.close()


def require_free_tables(renaming: Renaming) -> None:
    """Check that the warehouse does not know the new name, and bars no key of the source, before anything is written.

    Raises:
        ModellingRefused: the warehouse knows a source of the new name, or has a table of it; or keys are barred.
    """
    with cursor_of("owner") as cursor:
        _require_no_bars(cursor, renaming.old)
        if taken := _is_taken(cursor, renaming):
            raise ModellingRefused(f"{taken}: choose another name; nothing was changed")


def _lock(cursor: Cursor, renaming: Renaming) -> None:
    cursor.execute("select pg_try_advisory_lock(%s)", [KEY])
    if cursor.fetchone() != (True,):
        holders = ", ".join(lock_holders(cursor, KEY)) or "it has just ended"
        raise RunInProgress(
            f"another command is at work on this database ({holders}): wait for its end or stop it, then rename "
            f"{renaming.old} again"
        )


def _require_no_bars(cursor: Cursor, source: str) -> None:
    """Check that no key is barred: the hashes of barred keys are of the source's name, and would bar nothing any more.

    Nobody can compute them again for another name, as the keys are not stored.
    """
    cursor.execute(BARRED, [source])
    (number,) = cursor.fetchone() or (0,)
    if number:
        raise ModellingRefused(
            f"{counted(number, 'erased key')} of {source} may not land again, which the warehouse knows only by hashes "
            f"with this name: keep the name, or lift each key first with `waybill erase --lift {source} KEY`; nothing "
            "was changed"
        )


def _is_taken(cursor: Cursor, renaming: Renaming) -> str | None:
    """Return what has the new name already, as a sentence; None if nothing has."""
    cursor.execute(IS_KNOWN, [renaming.new])
    if cursor.fetchone() == (True,):
        return f"the warehouse knows a source {renaming.new}, which landed before it was removed"
    cursor.execute(RELATIONS, {"schemas": list(LAYERS), "names": list(renaming.models.values())})
    found = cursor.fetchone()
    return f"the warehouse has {found[0]}.{found[1]} already" if found else None


def _drop_if_empty(cursor: Cursor, source: str) -> None:
    """Drop a raw table that a load has made for a declared source, and in which nothing has landed."""
    table = sql.Identifier("raw", source)
    cursor.execute("select to_regclass(%s) is not null", [table.as_string(cursor)])
    if cursor.fetchone() != (True,):
        return
    cursor.execute(sql.SQL("select exists (select from {})").format(table))
    if cursor.fetchone() == (False,):
        cursor.execute(sql.SQL("drop table {}").format(table))


def _rename(cursor: Cursor, renaming: Renaming) -> None:
    cursor.execute(NAMING_COLUMNS)
    for schema, table, column in cursor.fetchall():
        words = {renaming.old: renaming.new} if column == "source" else renaming.models
        for before, after in words.items():
            statement = sql.SQL("update {table} set {column} = %s where {column} = %s")
            names = {"table": sql.Identifier(schema, table), "column": sql.Identifier(column)}
            cursor.execute(statement.format(**names), [after, before])
    _forget_definitions(cursor, renaming)
    _rename_relation(cursor, "raw", renaming.old, renaming.new)
    _rename_constraints(cursor, "raw", renaming.old, renaming.new, renaming)
    index = sql.Identifier("raw", renaming.old + INDEX_SUFFIX), sql.Identifier(renaming.new + INDEX_SUFFIX)
    cursor.execute(sql.SQL("alter index if exists {} rename to {}").format(*index))
    _rename_outcomes(cursor, renaming)
    cursor.execute(RELATIONS, {"schemas": list(LAYERS), "names": list(renaming.models)})
    for schema, name, kind in cursor.fetchall():
        new = renaming.models[name]
        _rename_columns(cursor, sql.Identifier(schema, name), kind, renaming)
        _rename_relation(cursor, schema, name, new, kind)
        if kind != "v":
            _rename_constraints(cursor, schema, name, new, renaming)
        _rename_comments(cursor, sql.Identifier(schema, new), kind, renaming)


def _forget_definitions(cursor: Cursor, renaming: Renaming) -> None:
    """Where columns are renamed, forget what the tables were built from: dbt records it again, and rebuilds nothing."""
    cursor.execute("select to_regclass('intermediate.model_builds') is not null")
    if renaming.columns and cursor.fetchone() == (True,):
        cursor.execute(FORGET_DEFINITIONS, [list(renaming.models.values())])


def _rename_relation(cursor: Cursor, schema: str, name: str, new: str, kind: str = "r") -> None:
    word = "view" if kind == "v" else "table"
    statement = sql.SQL(f"alter {word} if exists {{}} rename to {{}}")
    cursor.execute(statement.format(sql.Identifier(schema, name), sql.Identifier(new)))


def _rename_columns(cursor: Cursor, relation: sql.Composable, kind: str, renaming: Renaming) -> None:
    cursor.execute(COLUMNS, [relation.as_string(cursor), list(renaming.columns)])
    word = "view" if kind == "v" else "table"
    for (column,) in cursor.fetchall():
        statement = sql.SQL(f"alter {word} {{}} rename column {{}} to {{}}")
        names = map(sql.Identifier, (column, renaming.columns[column]))
        cursor.execute(statement.format(relation, *names))


def _rename_constraints(cursor: Cursor, schema: str, former: str, table: str, renaming: Renaming) -> None:
    """Rename the constraints of a renamed table whose names follow from its name, as dbt would name them."""
    columns_before = {after: before for before, after in renaming.columns.items()}
    relation = sql.Identifier(schema, table)
    cursor.execute(CONSTRAINTS, [relation.as_string(cursor)])
    for name, kind, columns in cursor.fetchall():
        columns = columns or []
        if kind == "f" and name == foreign_key_name(former, [columns_before.get(one, one) for one in columns]):
            renamed = foreign_key_name(table, columns)
        elif name.startswith(f"{former}_"):
            renamed = table + name.removeprefix(former)
        else:
            continue
        if len(renamed.encode()) <= MAX_NAME_BYTES:
            statement = sql.SQL("alter table {} rename constraint {} to {}")
            cursor.execute(statement.format(relation, sql.Identifier(name), sql.Identifier(renamed)))


def _rename_outcomes(cursor: Cursor, renaming: Renaming) -> None:
    """Let the view of the source's outcomes show its new name."""
    view = sql.Identifier("intermediate", f"int_{renaming.old}_outcomes")
    cursor.execute("select pg_get_viewdef(to_regclass(%s))", [view.as_string(cursor)])
    (definition,) = cursor.fetchone() or (None,)
    if definition:
        renamed = definition.replace(f"'{renaming.old}'::text", f"'{renaming.new}'::text", 1)
        cursor.execute(sql.SQL("create or replace view {} as ").format(view) + sql.SQL(renamed.replace("%", "%%")))


def _rename_comments(cursor: Cursor, relation: sql.Composable, kind: str, renaming: Renaming) -> None:
    cursor.execute(COMMENTS, [relation.as_string(cursor)])
    for column, text in cursor.fetchall():
        renamed = renamed_prose(text, renaming)
        if renamed == text:
            continue
        word = "view" if kind == "v" else "table"
        target = sql.SQL(f"{word} {{}}").format(relation)
        if column is not None:
            target = sql.SQL("column {}.{}").format(relation, sql.Identifier(column))
        cursor.execute(sql.SQL("comment on {} is {}").format(target, sql.Literal(renamed)))


def foreign_key_name(table: str, columns: Sequence[str]) -> str:
    """Return the name that dbt_project/macros/keys/foreign_key_name.sql gives a foreign key."""
    readable = f"fk_{table}__{columns[0]}"
    if len(columns) > 1 or len(readable.encode()) > MAX_NAME_BYTES:
        return f"fk_{hashlib.md5(json.dumps([table, *columns]).encode(), usedforsecurity=False).hexdigest()}"
    return readable
