"""Finds in PostgreSQL's catalogue the tables and materialized views that no model makes and that can hold copies."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import Error, sql
from psycopg2.extensions import connection as Connection

from pipeline.erasing.kinds import Kind, Relation
from pipeline.erasing.lineage import Downstream, Lineage

# What refers by a foreign key to what the models make, or is a materialized view of it, directly or through others.
OUTSIDE = """
with recursive found (oid) as (
    select to_regclass(format('%%I.%%I', given.schema, given.name))::oid
    from unnest(%(schemas)s::text[], %(names)s::text[]) as given (schema, name)
    where to_regclass(format('%%I.%%I', given.schema, given.name)) is not null
    union
    select next.oid
    from found
    cross join lateral (
        select rules.ev_class as oid
        from pg_depend as dependencies
        inner join pg_rewrite as rules on dependencies.objid = rules.oid
        where dependencies.classid = 'pg_rewrite'::regclass
            and dependencies.refclassid = 'pg_class'::regclass
            and dependencies.refobjid = found.oid
        union all
        select foreign_keys.conrelid
        from pg_constraint as foreign_keys
        where foreign_keys.contype = 'f' and foreign_keys.confrelid = found.oid
    ) as next
)
select schemas.nspname, classes.relname, classes.relkind = 'm'
from found
inner join pg_class as classes on found.oid = classes.oid
inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
where classes.relkind in ('r', 'p', 'f', 'm')
    and schemas.nspname || '.' || classes.relname <> all(%(modelled)s)
order by classes.oid  -- a view comes after what it reads
"""
# Tables and materialized views of Waybill's schemas that neither a model nor Waybill itself has made.
LEFT_OVER = """
select schemas.nspname, classes.relname
from pg_class as classes
inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
where classes.relkind in ('r', 'p', 'f', 'm')
    and schemas.nspname = any(%(schemas)s)
    and schemas.nspname || '.' || classes.relname <> all(%(modelled)s)
    and not (
        schemas.nspname = 'raw'
        and classes.relname in (select batches.source from ledger.batches union select unnest(%(sources)s::text[]))
    )
order by 1, 2
"""
SCHEMAS = ("raw", "staging", "intermediate", "marts", "dbt_test__audit")
BOOKKEEPING = (
    "run_batches",
    "processed_batches",
    "unused_rows",
    "rows_deleted",
    "model_builds",
    "rebuilt_for",
    "fields_not_adopted",
)


def relations_outside(connection: Connection, lineage: Lineage, downstream: Downstream) -> list[Relation]:
    """Return the tables that refer to what is downstream, and the materialized views of it, that no model makes."""
    given = {
        "schemas": [relation.schema for relation in downstream.relations],
        "names": [relation.name for relation in downstream.relations],
        "modelled": _modelled(lineage),
    }
    with connection.cursor() as cursor:
        cursor.execute(OUTSIDE, given)
        return [
            Relation(schema, name, Kind.OUTSIDE_VIEW if is_view else Kind.OUTSIDE_TABLE)
            for schema, name, is_view in cursor.fetchall()
        ]


def refresh_views(connection: Connection, outside: Iterable[Relation]) -> list[Relation]:
    """Refresh the materialized views that no model makes; return those that this login may not refresh."""
    refused = []
    for relation in outside:
        if relation.kind == Kind.OUTSIDE_VIEW:
            statement = sql.SQL("refresh materialized view {}").format(sql.Identifier(relation.schema, relation.name))
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute(statement)
            except Error:
                refused.append(relation)
    return refused


def left_over_relations(connection: Connection, lineage: Lineage) -> list[Relation]:
    """Return the tables and materialized views in Waybill's schemas that neither a model nor Waybill has made."""
    schemas = sorted({*SCHEMAS, *(relation.schema for relation in lineage.relations)})
    given = {"schemas": schemas, "modelled": _modelled(lineage), "sources": list(lineage.sources)}
    with connection.cursor() as cursor:
        cursor.execute(LEFT_OVER, given)
        return [Relation(schema, name, Kind.LEFT_OVER) for schema, name in cursor.fetchall()]


def _modelled(lineage: Lineage) -> list[str]:
    own = (f"intermediate.{name}" for name in BOOKKEEPING)
    return [*map(str, lineage.relations), *own]
