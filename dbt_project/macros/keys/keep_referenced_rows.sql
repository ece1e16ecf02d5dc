{#-
    A post-hook, inside the transaction of a rebuild, before `sync_foreign_keys`: copies the rows that rows of other tables
    still refer to from the replaced table, if the new one lacks them, and lists them for `delete_unused_rows`. So a
    dimension can be rebuilt after its documents were undone, before the facts that use it follow.
-#}
{% macro keep_referenced_rows() %}
{%- if execute and model.config.meta.get('returns_every_row') -%}
{%- set backup = make_backup_relation(this, 'table') -%}
{%- set key = config.get('unique_key') -%}
{%- set key = [key] if key is string else key -%}
do $keep$
declare
    names text[];
    columns text;
    child record;
begin
    if to_regclass('{{ backup }}') is null then
        return;
    end if;
    delete from intermediate.unused_rows where mart = '{{ this.identifier }}';
    select array_agg(attributes.attname::text), string_agg(quote_ident(attributes.attname), ', ')
    into names, columns
    from pg_attribute as attributes
    inner join pg_attribute as former on attributes.attname = former.attname and attributes.atttypid = former.atttypid
    where attributes.attrelid = '{{ this }}'::regclass and attributes.attnum > 0 and not attributes.attisdropped
        and former.attrelid = '{{ backup }}'::regclass and not former.attisdropped;
    if not array['{{ key | join("', '") }}'] <@ names then
        return;  -- with another key, no row of the replaced table has one
    end if;
    for child in
        select
            foreign_keys.conrelid::regclass as table_name,
            pairs.child_columns,
            pairs.refers
        from pg_constraint as foreign_keys
        {{ referring_columns('former') }}
        where foreign_keys.contype = 'f' and foreign_keys.confrelid = '{{ backup }}'::regclass
            and foreign_keys.confdeltype <> 'c'
    loop
        execute format(
            'with used as materialized (select distinct %4$s from %2$s), kept as ('
            'insert into {{ this }} (%1$s) select %1$s from {{ backup }} as former '
            'where exists (select from used as child where %3$s) on conflict do nothing returning *'
            ') insert into intermediate.unused_rows (mart, key) '
            'select ''{{ this.identifier }}'', jsonb_build_array({{ key | join(", ") }}) from kept',
            columns, child.table_name, child.refers, child.child_columns
        );
    end loop;
end $keep$
{%- endif -%}
{% endmacro %}
