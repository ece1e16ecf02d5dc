"""Gives the tables that a backup brought to the logins that play the roles here, with the rights of a new warehouse.

A backup may come from a server with other logins, or with one for all roles. So owners and rights are not those of the
backup: what the migrations make has those that they give, and any other table has those that its schema's owner gives
by default.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2.extensions import cursor as Cursor

from warehouse.migrations.layouts import SCHEMAS

KINDS = """
case relkind
    when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table'
    else 'table'
end
"""
# A sequence of a column follows its table.
RELATIONS = """
from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
where namespace.nspname = any(%(schemas)s) and class.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and not exists (
    select from pg_depend as dependency
    where dependency.objid = class.oid and dependency.classid = 'pg_class'::regclass
        and dependency.deptype in ('a', 'i') and dependency.refobjsubid > 0
)
"""
ROUTINES = """
from pg_proc as routine
inner join pg_namespace as namespace on routine.pronamespace = namespace.oid
where namespace.nspname = any(%(schemas)s)
"""
DROP = f"""
select format('drop %%s if exists %%I.%%I cascade', {KINDS}, nspname, relname) {RELATIONS}
union all
select format('drop routine if exists %%s cascade', routine.oid::regprocedure) {ROUTINES}
"""
OWN = f"""
select format('alter %%s %%I.%%I owner to %%s', {KINDS}, nspname, relname, nspowner::regrole)
{RELATIONS} and relowner <> nspowner
union all
select format('alter routine %%s owner to %%s', routine.oid::regprocedure, nspowner::regrole)
{ROUTINES} and proowner <> nspowner
"""
GRANTEE = "case rights.grantee when 0 then 'public' else rights.grantee::regrole::text end"
GRANTED = f"""
select nspname::text, relname::text, format(
    'grant %%s on %%I.%%I to %%s', rights.privilege_type, nspname, relname, {GRANTEE}
)
from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
cross join aclexplode(class.relacl) as rights
where nspname = any(%(schemas)s) and class.relkind <> 'i'
union all
select nspname::text, relname::text, format(
    'grant %%s (%%I) on %%I.%%I to %%s', rights.privilege_type, attname, nspname, relname, {GRANTEE}
)
from pg_attribute as attribute
inner join pg_class as class on attribute.attrelid = class.oid
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
cross join aclexplode(attribute.attacl) as rights
where nspname = any(%(schemas)s) and not attribute.attisdropped
"""
BY_DEFAULT = f"""
select nspname::text, relname::text, format(
    'grant %%s on %%I.%%I to %%s', rights.privilege_type, nspname, relname, {GRANTEE}
)
from pg_class as class
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_default_acl as defaults
    on defaults.defaclnamespace = namespace.oid and defaults.defaclrole = class.relowner
    and defaults.defaclobjtype = case class.relkind when 'S' then 'S' else 'r' end
cross join aclexplode(defaults.defaclacl) as rights
where nspname = any(%(schemas)s) and class.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and rights.grantee <> class.relowner
"""
EXISTING = f"select nspname::text, relname::text {RELATIONS}"

Right = tuple[str, str, str]  # schema, table or view, and the statement that grants it


def empty_schemas(cursor: Cursor) -> list[Right]:
    """Drop all that the schemas hold, and keep the schemas; return the rights that were granted on it."""
    cursor.execute(GRANTED, {"schemas": list(SCHEMAS)})
    granted: list[Right] = cursor.fetchall()
    _execute(cursor, _statements(cursor, DROP))
    return granted


def give_rights(cursor: Cursor, granted: Iterable[Right]) -> None:
    """Give all tables, views and functions to their schemas' owners and grant the rights on them.

    `granted` are the rights of a new warehouse of the same layout, as `empty_schemas` returned them.
    """
    _execute(cursor, _statements(cursor, OWN))
    cursor.execute(EXISTING, {"schemas": list(SCHEMAS)})
    existing = set(cursor.fetchall())
    cursor.execute(BY_DEFAULT, {"schemas": list(SCHEMAS)})
    by_default: list[Right] = cursor.fetchall()
    made = {(schema, name) for schema, name, _ in granted}
    wanted = [right for right in by_default if right[:2] not in made]
    wanted += [right for right in granted if right[:2] in existing]
    _execute(cursor, (statement for _, _, statement in wanted))


def _statements(cursor: Cursor, query: str) -> list[str]:
    cursor.execute(query, {"schemas": list(SCHEMAS)})
    return [statement for (statement,) in cursor.fetchall()]


def _execute(cursor: Cursor, statements: Iterable[str]) -> None:
    """Execute statements that PostgreSQL has put together, with every name quoted."""
    for statement in statements:
        cursor.execute(statement)
