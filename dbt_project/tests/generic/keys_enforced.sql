{#-
    Promise P4, on a mart: its primary key and every foreign key that it declares are in the database and validated, whatever
    was run last. A foreign key to a table that does not exist yet is not expected. Tables are found by their names in the catalog, as of
    the same moment as their keys: `to_regclass` would already find a table that another thread has rebuilt since.
-#}
{% test keys_enforced(model) %}
{%- set expected = ["(null, null, null)"] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.alias == model.identifier -%}
        {%- for key in declared_foreign_keys(node) -%}
            {%- set parent = modules.re.search("ref\\(['\\\"]([^'\\\"]+)['\\\"]\\)", key['to']) -%}
            {%- set parent = parent.group(1) if parent else key['to'].split('.')[-1] | replace('"', '') -%}
            {%- do expected.append(
                "('" ~ node.schema ~ "', '" ~ parent ~ "', '" ~ key['columns'] | join(',') ~ "')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif %}

with

expected (parent_schema, parent, columns) as (

    values {{ expected | join(', ') }}

),

tables as (

    select
        schemas.nspname as schema,
        tables.relname as name,
        tables.oid
    from pg_class as tables
    inner join pg_namespace as schemas on tables.relnamespace = schemas.oid

),

found as (

    select
        constraints.contype,
        constraints.conrelid,
        constraints.confrelid,
        (
            select string_agg(attributes.attname, ',' order by keys.number)
            from unnest(constraints.conkey) with ordinality as keys (attnum, number)
            inner join pg_attribute as attributes
                on attributes.attrelid = constraints.conrelid and keys.attnum = attributes.attnum
        ) as columns
    from pg_constraint as constraints
    where constraints.contype in ('p', 'f') and constraints.convalidated

)

select
    case when expected.parent is null then 'primary key' else 'foreign key' end as missing,
    expected.parent,
    expected.columns
from expected
left join tables as parents on expected.parent_schema = parents.schema and expected.parent = parents.name
left join tables as children on children.schema = '{{ model.schema }}' and children.name = '{{ model.identifier }}'
left join found
    on children.oid = found.conrelid
    and case when expected.parent is null then found.contype = 'p' else found.contype = 'f' end
    and (expected.parent is null or parents.oid = found.confrelid and expected.columns = found.columns)
where found.conrelid is null
    and (expected.parent is null or parents.oid is not null)

{% endtest %}
