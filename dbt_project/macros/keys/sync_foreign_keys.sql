{#-
    A post-hook, inside the model's transaction. Adds the foreign keys that the model declares and lacks, validates those that
    a killed run left unvalidated, and moves the foreign keys of other tables from the replaced table to the new one, before
    dbt drops the old one with `cascade` and the keys with it. If the foreign key is also the primary key, the row extends
    the one it points to and is deleted with it, also if that row is not in the rebuilt table any more. So is a child row, whose
    foreign key says `expression: on delete cascade`.
-#}
{% macro sync_foreign_keys() %}
{%- if execute and config.get('materialized') in ['table', 'incremental'] -%}
{%- set backup = make_backup_relation(this, 'table') -%}
{%- set primary_key = [] -%}
{%- for constraint in model['constraints'] if constraint.type == 'primary_key' -%}
    {%- do primary_key.extend(constraint.columns) -%}
{%- endfor -%}
do $sync$
declare
    child record;
begin
    {%- for key in declared_foreign_keys(model) %}
    {%- set name = foreign_key_name(this.identifier, key['columns']) %}
    {%- if key.is_reference %}
    if {{ has_column(key['to'], key['to_columns'][0], key.key_type) }} then
    {%- endif %}
    if not exists (
        select from pg_constraint
        where contype = 'f' and conrelid = '{{ this }}'::regclass and conname = '{{ name }}'
            and confrelid = '{{ key['to'] }}'::regclass
    ) then
        alter table {{ this }} drop constraint if exists {{ adapter.quote(name) }};
        alter table {{ this }} add constraint {{ adapter.quote(name) }}
        foreign key ({{ key['columns'] | join(', ') }})
        references {{ key['to'] }} ({{ key['to_columns'] | join(', ') }})
        {{ 'on delete cascade' if key['columns'] == primary_key else key['action'] or '' }};
    end if;
    alter table {{ this }} validate constraint {{ adapter.quote(name) }};
    {%- if key.is_reference %}
    end if;
    {%- endif %}
    {%- endfor %}
    for child in
        select
            constraints.conrelid::regclass as table_name,
            constraints.conname as constraint_name,
            constraints.confdeltype = 'c' as is_cascading,
            (
                select string_agg(format('parent.%I = child.%I', parents.attname, children.attname), ' and ')
                from unnest(constraints.conkey, constraints.confkey) as pairs (child, parent)
                inner join pg_attribute as children
                    on constraints.conrelid = children.attrelid and pairs.child = children.attnum
                inner join pg_attribute as parents
                    on constraints.confrelid = parents.attrelid and pairs.parent = parents.attnum
            ) as refers,
            replace(
                pg_get_constraintdef(constraints.oid), '{{ backup.identifier }}', '{{ this.identifier }}'
            ) as definition
        from pg_constraint as constraints
        where constraints.contype = 'f'
            and constraints.confrelid = to_regclass('{{ backup }}')
            and constraints.conrelid <> constraints.confrelid
    loop
        execute format('alter table %s drop constraint %I', child.table_name, child.constraint_name);
        begin
            if child.is_cascading then
                execute format(
                    'delete from %s as child where not exists (select from {{ this }} as parent where %s)',
                    child.table_name, child.refers
                );
            end if;
            execute format('alter table %s add constraint %I %s', child.table_name, child.constraint_name, child.definition);
        exception
            -- the key is another one now, or the table is distributed and the one that refers to it is not: that one is rebuilt after this
            -- one, and gets its foreign key then
            when undefined_column or undefined_function or invalid_foreign_key or datatype_mismatch or feature_not_supported then
                if child.table_name <> all(array[{{ followers_of(model) | join(', ') }}]::regclass[]) then
                    raise exception '% refers to {{ this.identifier }}, whose key or distribution has changed: give it the same columns, types and nodes, and run both together, such as with `waybill dbt run`',
                        child.table_name;
                end if;
        end;
    end loop;
end $sync$
{%- endif -%}
{% endmacro %}
