"""A stand-in for Citus in a test's database: it records what is distributed and refuses what Citus refuses.

It keeps all rows on one node. Only a superuser may create it, since Citus' functions are in pg_catalog.
"""

from __future__ import annotations

from tests.support.dbt_command import execute, query

STAND_IN = """
set local allow_system_table_mods = on;
create schema citus_stand_in;
create table citus_stand_in.tables (number serial, relation oid, created_as text, distribution text);

create function citus_stand_in.record(relation regclass, distribution text) returns void
language plpgsql security definer as $record$
declare
    has_rows boolean;
begin
    execute format('select exists (select from %s)', relation) into has_rows;
    if has_rows then
        raise exception '% has rows already', relation;
    end if;
    if distribution <> 'reference' and exists (
        select from pg_index as indexes
        where indexes.indrelid = relation and indexes.indisunique and not (
            select attnum = any(indexes.indkey::smallint[]) from pg_attribute
            where attrelid = relation and attname = distribution
        )
    ) then
        raise feature_not_supported using message = format('a unique index of %s lacks %s', relation, distribution);
    end if;
    insert into citus_stand_in.tables (relation, created_as, distribution) values (relation, relation::text, distribution);
end
$record$;

create function pg_catalog.create_reference_table(relation regclass) returns void
language sql as $$ select citus_stand_in.record(relation, 'reference') $$;
create function pg_catalog.create_distributed_table(relation regclass, distribution_column text) returns void
language sql as $$ select citus_stand_in.record(relation, distribution_column) $$;

-- a foreign key of a distributed table leads to a reference table, or to one that is distributed by the key's columns; one of a reference
-- table, or of a table that stays on the coordinator, to neither
create function citus_stand_in.check_foreign_keys() returns event_trigger
language plpgsql security definer as $check$
declare
    refused text;
begin
    select string_agg(keys.conname, ', ') into refused
    from pg_constraint as keys
    left join citus_stand_in.tables as child on keys.conrelid = child.relation
    left join citus_stand_in.tables as parent on keys.confrelid = parent.relation
    where keys.contype = 'f' and case
        when parent.distribution = 'reference' then false
        when parent.distribution is null then child.distribution is not null
        when child.distribution is null or child.distribution = 'reference' then true
        else not exists (
            select from unnest(keys.conkey, keys.confkey) as pairs (child_column, parent_column)
            inner join pg_attribute as children on children.attrelid = keys.conrelid and children.attnum = child_column
            inner join pg_attribute as parents on parents.attrelid = keys.confrelid and parents.attnum = parent_column
            where children.attname = child.distribution and parents.attname = parent.distribution
        )
    end;
    if refused is not null then
        raise feature_not_supported using message = format('cannot create foreign key constraint %s', refused);
    end if;
end
$check$;
create event trigger citus_stand_in on ddl_command_end when tag in ('ALTER TABLE')
execute function citus_stand_in.check_foreign_keys();
grant usage on schema citus_stand_in to public;
"""


def pretend_to_have_citus() -> None:
    """Create the stand-in in the database that PGDATABASE names."""
    execute(STAND_IN)


def distributions() -> dict[str, str | None]:
    """Return mart → `reference`, the column it is distributed by, or None if it stays on one node."""
    return dict(
        query(
            "select relname::text, distribution from pg_class left join citus_stand_in.tables on relation = pg_class.oid "
            "where relnamespace = 'marts'::regnamespace and relkind = 'r'"
        )
    )
