"""Converts a table of predictions of an older layout, which held one model's rows, in place and in one transaction.

The table becomes `predictions.<task>_by_model` without a change of any row, and its name becomes that of a view, with
the same columns, comments and rights. Views that users have made on the table read the view from then on.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg2
from psycopg2 import sql

from ml.errors import TableInUse
from ml.prediction_tables.grants import grant_again, read_grants
from ml.prediction_tables.shape import primary_key, table_of
from ml.task import BY_MODEL
from warehouse.connection import cursor_of

NO_MODEL = "00000000-0000-0000-0000-000000000000"  # an older table without rows
BECOME_A_VIEW = "become a view, so that it can show one of several models"
FIXED = ("model_id", "is_stale", "scored_at")
FACTS = """
select pg_class.relkind::text, pg_get_userbyid(relowner), obj_description(pg_class.oid, 'pg_class')
from pg_class
where pg_class.oid = to_regclass(%s)
"""
COLUMNS = """
select attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
order by attnum
"""
# Views, and what else names the table: a function in SQL, a materialised view.
DEPENDENT = """
select distinct
    pg_describe_object('pg_class'::regclass, views.oid, 0), views.oid::regclass::text, views.relkind::text,
    pg_get_viewdef(views.oid), array_to_string(views.reloptions, ', ')
from pg_depend
inner join pg_rewrite on pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.objid = pg_rewrite.oid
inner join pg_class as views on pg_rewrite.ev_class = views.oid
where pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = to_regclass(%(table)s)
    and views.oid <> pg_depend.refobjid
union all
select distinct pg_describe_object(classid, objid, 0), '', '', '', ''
from pg_depend
where refclassid = 'pg_class'::regclass and refobjid = to_regclass(%(table)s)
    and classid in ('pg_proc'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass) and deptype = 'n'
order by 1
"""


def convert_older_table(task: str) -> None:
    """Convert `predictions.<task>` if it is a table; do nothing if it is the view, or is missing.

    Raises:
        TableInUse: something depends on the table that cannot be kept; nothing was changed.
    """
    table = sql.Identifier("predictions", task)
    with cursor_of("owner") as cursor:
        name = table.as_string(cursor)
        if not _is_older(cursor, name):
            return
        cursor.execute(sql.SQL("lock table {} in access exclusive mode").format(table))
        if not _is_older(cursor, name):  # another command has converted it while this one waited
            return
        cursor.execute(FACTS, [name])
        _, owner, state = cursor.fetchone()  # type: ignore[misc]
        try:
            _convert(cursor, task, owner, state)
        except (psycopg2.errors.DependentObjectsStillExist, psycopg2.errors.InsufficientPrivilege) as error:
            reason = " ".join((error.diag.message_detail or error.diag.message_primary or "").splitlines()[:1])
            raise in_use(task, BECOME_A_VIEW, reason) from None


def _is_older(cursor: Any, name: str) -> bool:
    cursor.execute(FACTS, [name])
    found = cursor.fetchone()
    return found is not None and found[0] == "r"


def _convert(cursor: Any, task: str, owner: str, state: str | None) -> None:
    """1. Rename the table, 2. make the view as its owner, 3. let the views of users read it."""
    table, by_model = sql.Identifier("predictions", task), table_of(task)
    name = table.as_string(cursor)
    cursor.execute(DEPENDENT, {"table": name})
    dependent = cursor.fetchall()
    if others := [described for described, _, kind, _, _ in dependent if kind != "v"]:
        raise in_use(task, BECOME_A_VIEW, f"{', '.join(others)} depends on it")
    cursor.execute(COLUMNS, [name])
    columns = cursor.fetchall()
    constraint, key = primary_key(cursor, table)  # type: ignore[misc]
    grants = read_grants(cursor, table)
    cursor.execute(sql.SQL("select model_id::text from {} limit 1").format(table))
    (model_id,) = cursor.fetchone() or (NO_MODEL,)
    cursor.execute(sql.SQL("set local role {}").format(sql.Identifier(owner)))
    cursor.execute(sql.SQL("alter table {} rename to {}").format(table, sql.Identifier(f"{task}{BY_MODEL}")))  # 1.
    _change_table(cursor, by_model, [name for name, _, _ in columns if name not in (*key, *FIXED)], (constraint, key))
    cursor.execute(
        sql.SQL("comment on table {} is {}").format(by_model, sql.Literal(json.dumps({model_id: state or ""})))
    )
    _make_view(cursor, table, by_model, model_id, columns)  # 2.
    cursor.execute(sql.SQL("comment on view {} is {}").format(table, sql.Literal(state)))
    grant_again(cursor, table, grants)
    cursor.execute("reset role")
    for _, view, _, definition, options in dependent:  # 3.
        given = f" with ({options})" if options else ""
        cursor.execute(f"create or replace view {view}{given} as {definition}")


def _change_table(cursor: Any, table: sql.Composable, predicted: list[str], primary_key: tuple[str, list[str]]) -> None:
    constraint, key = primary_key
    names = sql.SQL(", ").join(map(sql.Identifier, [*key, "model_id"]))
    statement = sql.SQL("alter table {} drop constraint {}, add primary key ({})")
    cursor.execute(statement.format(table, sql.Identifier(constraint), names))
    for name in predicted:
        cursor.execute(sql.SQL("alter table {} alter {} drop not null").format(table, sql.Identifier(name)))
        if name == "predicted_label":
            cursor.execute(sql.SQL("alter table {} alter {} type text").format(table, sql.Identifier(name)))


def _make_view(
    cursor: Any, view: sql.Composable, table: sql.Composable, model_id: str, columns: list[tuple[str, str, str]]
) -> None:
    selected = sql.SQL(", ").join(
        sql.SQL("cast({0} as {1}) as {0}").format(sql.Identifier(name), sql.SQL(kind))
        if name == "predicted_label"
        else sql.Identifier(name)
        for name, kind, _ in columns
    )
    statement = sql.SQL("create view {} as select {} from {} where model_id = {}::uuid")
    cursor.execute(statement.format(view, selected, table, sql.Literal(model_id)))
    for name, _, text in columns:
        target = sql.SQL("{}.{}").format(view, sql.Identifier(name))
        cursor.execute(sql.SQL("comment on column {} is {}").format(target, sql.Literal(text)))


def in_use(task: str, change: str, reason: str) -> TableInUse:
    """Return the error that something depends on predictions that must change."""
    return TableInUse(f"predictions.{task} must {change}, but {reason}: drop that, then `make score`")
