"""What PostgreSQL's catalog says of a database's schemas, to compare two databases."""

from __future__ import annotations

from typing import Any

from tests.support.databases import rows

QUERIES = {
    "schemas": "select nspname, nspowner::regrole::text, nspacl::text[] from pg_namespace where nspname = any(%s)",
    "default rights": """
        select nspname, defaclobjtype::text, defaclrole::regrole::text, defaclacl::text[]
        from pg_default_acl inner join pg_namespace on pg_namespace.oid = defaclnamespace
        where nspname = any(%s)
    """,
    "relations": """
        select nspname, relname, relkind::text, relowner::regrole::text, relacl::text[], pg_get_viewdef(pg_class.oid)
        from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
        where nspname = any(%s) and relkind not in ('t', 'i')
    """,
    "columns": """
        select nspname, relname, attname, format_type(atttypid, atttypmod), attnotnull, attacl::text[],
            pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
        from pg_attribute
        inner join pg_class on pg_class.oid = attrelid
        inner join pg_namespace on pg_namespace.oid = relnamespace
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where nspname = any(%s) and attnum > 0 and not attisdropped and relkind not in ('t', 'i')
    """,
    "constraints": """
        select nspname, conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(pg_constraint.oid)
        from pg_constraint inner join pg_namespace on pg_namespace.oid = connamespace
        where nspname = any(%s)
    """,
    "indexes": "select schemaname, tablename, indexname, indexdef from pg_indexes where schemaname = any(%s)",
}


def catalog(*schemas: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the database that PGDATABASE names has in these schemas; the order of rights does not count."""
    return {
        name: sorted((tuple(map(_comparable, row)) for row in rows(query, list(schemas))), key=repr)
        for name, query in QUERIES.items()
    }


def _comparable(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, list) else value
