"""States of tables and views, so that work on what has not changed can be skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

States = dict[str, str]

# Written by every run, whatever it did: its own records, what it cost, and what it predicted.
LEFT_OUT = ("ledger.runs", "ledger.stage_runs", "ledger.stage_run_parts", "ledger.backups")
LEFT_OUT_SCHEMAS = ("predictions",)

# `xmin` of a row of a catalogue is the transaction that wrote it. It changes with each statement that alters the object
# but not with `analyze` or a vacuum, which write in place. A table that is truncated or made again has another file.
RELATIONS = """
with relations as (
    select
        tables.oid,
        schemas.nspname || '.' || tables.relname as name,
        schemas.nspname as schema_name,
        tables.relname as table_name,
        tables.relkind in ('r', 'm') and has_schema_privilege(schemas.oid, 'usage')
            and has_table_privilege(tables.oid, 'select') as has_rows,
        exists (
            select from pg_depend as uses
            where uses.classid = 'pg_rewrite'::regclass and uses.refobjid = tables.oid and uses.deptype = 'n'
        ) as is_viewed,
        concat_ws(
            ' ', tables.oid, tables.xmin, tables.relkind, pg_relation_filenode(tables.oid),
            case when tables.relkind = 'f' then clock_timestamp() end
        ) as identity
    from pg_class as tables
    inner join pg_namespace as schemas on tables.relnamespace = schemas.oid
    where tables.relkind in ('r', 'p', 'v', 'm', 'f')
        and schemas.nspname !~ '^pg_' and schemas.nspname <> 'information_schema'
),
parts (oid, part) as (
    select attrelid, concat_ws(' ', 'column', attnum, xmin) from pg_attribute where attnum > 0
    union all
    select conrelid, concat_ws(' ', 'constraint', oid, xmin) from pg_constraint
    union all
    select indrelid, concat_ws(' ', 'index', indexrelid, xmin) from pg_index
    union all
    select ev_class, concat_ws(' ', 'rule', oid, xmin) from pg_rewrite
    union all
    select tgrelid, concat_ws(' ', 'trigger', oid, xmin) from pg_trigger
)
select
    relations.name,
    relations.schema_name,
    relations.table_name,
    relations.has_rows,
    relations.is_viewed,
    relations.identity || ' ' || coalesce(md5(string_agg(parts.part, ',' order by parts.part)), '')
from relations
left join parts using (oid)
group by
    relations.name, relations.schema_name, relations.table_name, relations.has_rows, relations.is_viewed,
    relations.identity
"""
SURROUNDINGS = """
select concat_ws(
    ' ', version(), current_database(), (select oid from pg_database where datname = current_database()),
    (select md5(string_agg(concat_ws(' ', functions.oid, functions.xmin), ',' order by functions.oid))
    from pg_proc as functions
    where functions.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'),
    (select md5(string_agg(setconfig::text, ',' order by setdatabase, setrole)) from pg_db_role_setting)
)
"""
# How many rows each transaction wrote: any later insert, update or delete changes it. Reads no values.
ROWS = """
select {name}, coalesce(md5(string_agg(concat_ws(' ', written_by, number), ',' order by written_by)), '')
from (
    select xmin::text as written_by, number
    from (select xmin, count(*) as number from {table} group by xmin) as counted
) as transactions
"""
# Tables of two warehouses can have equal states. The ids of batches are random, so no two warehouses share them.
BATCHES = "select coalesce(md5(string_agg(batch_id::text, ',' order by batch_id)), '') from ledger.batches"


def table_states(
    connection: Connection, names: Iterable[str] | None = None, *, rows_of: Callable[[str, str], bool] | None = None
) -> States:
    """Return table or view → a text that changes with every write to its rows and every change of its definition.

    It covers the tables with these names (`schema.table`), or else the whole database but for schema `predictions` and
    the tables of the ledger that every run writes, with an entry `` for the server's version, functions and settings.
    The rows of a table that the login may not read are not seen, and those of a foreign table always count as changed.
    `rows_of` says of schema and table whether their rows are looked at; those of a table that a view reads always are.
    """
    wanted = None if names is None else set(names)
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        found = [row for row in cursor.fetchall() if _counts(row[0], row[1], wanted)]
        states = {row[0]: row[-1] for row in found}
        queries = [
            sql.SQL(ROWS).format(name=sql.Literal(name), table=sql.Identifier(schema, table))
            for name, schema, table, has_rows, is_viewed, _ in found
            if has_rows and (is_viewed or rows_of is None or rows_of(schema, table))
        ]
        if queries:
            cursor.execute(sql.SQL(" union all ").join(queries))
            states |= {name: f"{states[name]} {rows}" for name, rows in cursor.fetchall()}
        if wanted is None:
            cursor.execute(SURROUNDINGS)
            states[""] = cursor.fetchone()[0]  # type: ignore[index]
    return states


def _counts(name: str, schema: str, wanted: set[str] | None) -> bool:
    if wanted is not None:
        return name in wanted
    return name not in LEFT_OUT and schema not in LEFT_OUT_SCHEMAS
