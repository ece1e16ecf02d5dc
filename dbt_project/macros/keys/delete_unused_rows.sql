{#-
    An on-run-end hook: deletes the rows that their model does not return any more, see `list_unused_rows`, if no row of
    another table refers to them. Those that are still referred to stay listed for the next run. Child rows, whose foreign key
    cascades, are deleted with their parent. A row that is deleted leaves the list, which so holds no key that the mart does not have;
    `rows_deleted` says when a mart last lost rows: models that have read it before still show them until they run again.
    What refers to a row, and what goes, is looked up first: Citus changes a reference table by a result, but not by a query of other tables.
-#}
{% macro delete_unused_rows() %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
do $unused$
declare
    mart record;
    deleted bigint;
begin
    {{ one_shard_at_a_time() or "null" }};
    for mart in
        select
            listed.mart,
            tables.oid::regclass as table_name,
            (
                select string_agg(format('unused.%I', attributes.attname), ', ' order by keys.number)
                from pg_constraint as primary_keys
                cross join unnest(primary_keys.conkey) with ordinality as keys (attnum, number)
                inner join pg_attribute as attributes
                    on primary_keys.conrelid = attributes.attrelid and keys.attnum = attributes.attnum
                where primary_keys.conrelid = tables.oid and primary_keys.contype = 'p'
            ) as key,
            (
                select string_agg(format('unused.%1$I = mart.%1$I', attributes.attname), ' and ')
                from pg_constraint as primary_keys
                inner join pg_attribute as attributes
                    on primary_keys.conrelid = attributes.attrelid and attributes.attnum = any(primary_keys.conkey)
                where primary_keys.conrelid = tables.oid and primary_keys.contype = 'p'
            ) as is_same,
            children.used,
            children.is_unused
        from (select distinct unused_rows.mart from intermediate.unused_rows) as listed
        inner join pg_class as tables on listed.mart = tables.relname
        inner join pg_namespace as schemas on tables.relnamespace = schemas.oid and schemas.nspname = 'marts'
        cross join lateral (
            select
                coalesce(string_agg(
                    format(
                        'used_%s as materialized (select distinct %s from %s),',
                        foreign_keys.oid, pairs.child_columns, foreign_keys.conrelid::regclass
                    ), ' '
                ), '') as used,
                coalesce(string_agg(
                    format('and not exists (select from used_%s as child where %s)', foreign_keys.oid, pairs.refers), ' '
                ), '') as is_unused
            from pg_constraint as foreign_keys
            {{ referring_columns('unused') }}
            where foreign_keys.confrelid = tables.oid and foreign_keys.contype = 'f' and foreign_keys.confdeltype <> 'c'
        ) as children
    loop
        execute format(
            'with %1$s unused as materialized (select unused.* from %2$s as unused where jsonb_build_array(%3$s) in '
            '(select listed.key from intermediate.unused_rows as listed where listed.mart = %4$L) %5$s) '
            'delete from %2$s as mart using unused where %6$s',
            mart.used, mart.table_name, mart.key, mart.mart, mart.is_unused, mart.is_same
        );
        get diagnostics deleted = row_count;
        if deleted > 0 then
            delete from intermediate.rows_deleted as earlier where earlier.mart = mart.mart;
            insert into intermediate.rows_deleted (mart, deleted_at) values (mart.mart, clock_timestamp());
        end if;
        execute format(
            'delete from intermediate.unused_rows as listed where listed.mart = %L and listed.key not in '
            '(select jsonb_build_array(%s) from %s as unused)',
            mart.mart, mart.key, mart.table_name
        );
    end loop;
    delete from intermediate.unused_rows as listed
    where to_regclass(format('marts.%I', listed.mart)) is null;
end $unused$
    {%- endif %}
{% endmacro %}
