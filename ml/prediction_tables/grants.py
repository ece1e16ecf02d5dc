"""Keeps the rights on predictions when their table or view is made again."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

GRANTS = """
select grantee::regrole::text, null::text, is_grantable
from pg_class, aclexplode(relacl)
where oid = to_regclass(%(relation)s) and grantee not in (0, relowner) and privilege_type = 'SELECT'
union all
select 'public', null, false
from pg_class, aclexplode(relacl)
where oid = to_regclass(%(relation)s) and grantee = 0 and privilege_type = 'SELECT'
union all
select case grantee when 0 then 'public' else grantee::regrole::text end, attname::text, is_grantable
from pg_attribute, aclexplode(attacl)
where attrelid = to_regclass(%(relation)s) and not attisdropped and privilege_type = 'SELECT'
order by 1, 2
"""
Grant = tuple[str, str | None, bool]


def read_grants(cursor: Any, relation: sql.Composable) -> list[Grant]:
    """Return who may read a table or view: the role, quoted; the column, or None for all; whether it may grant that."""
    cursor.execute(GRANTS, {"relation": relation.as_string(cursor)})
    return list(cursor.fetchall())


def grant_again(cursor: Any, relation: sql.Composable, grants: list[Grant]) -> None:
    """Grant the rights on a relation that was made again; those on columns that it has no more are left out."""
    cursor.execute("select array_agg(attname::text) from pg_attribute where attrelid = to_regclass(%s) and attnum > 0",
                   [relation.as_string(cursor)])  # fmt: skip
    (columns,) = cursor.fetchone()
    for role, column, is_grantable in grants:
        if column is not None and column not in columns:
            continue
        on = sql.SQL("select ({})").format(sql.Identifier(column)) if column else sql.SQL("select")
        statement = sql.SQL("grant {} on {} to {}").format(on, relation, sql.SQL(role))
        cursor.execute(statement + sql.SQL(" with grant option" if is_grantable else ""))
