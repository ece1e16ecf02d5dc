-- P4: every foreign key that a model declares is in the database and validated, whatever was run last.
{%- set wanted = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.contract.enforced -%}
        {%- for key in declared_foreign_keys(node) -%}
            {%- set named = modules.re.search("ref\\(['\\\"]([^'\\\"]+)['\\\"]\\)", key['to']) -%}
            {%- set parent = named.group(1) if named else key['to'].split('.')[-1] | replace('"', '') -%}
            {%- do wanted.append(
                "('" ~ node.schema ~ '.' ~ node.alias ~ "', 'marts." ~ parent ~ "', '" ~ key['columns'] | join(',') ~ "')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endif %}
-- depends_on: {{ ref('fct_flights') }}
-- depends_on: {{ ref('fct_weather_observations') }}
-- depends_on: {{ ref('flight_features') }}

with

wanted (child, parent, columns) as (

    values {{ wanted | join(', ') or "(null, null, null)" }}

),

found as (

    select
        constraints.conrelid,
        constraints.confrelid,
        (
            select string_agg(attributes.attname, ',' order by keys.place)
            from unnest(constraints.conkey) with ordinality as keys (attnum, place)
            inner join pg_attribute as attributes
                on attributes.attrelid = constraints.conrelid and keys.attnum = attributes.attnum
        ) as columns
    from pg_constraint as constraints
    where constraints.contype = 'f' and constraints.convalidated

)

select wanted.child, wanted.parent, wanted.columns
from wanted
left join found
    on to_regclass(wanted.child) = found.conrelid
    and to_regclass(wanted.parent) = found.confrelid
    and wanted.columns = found.columns
where found.conrelid is null
    and to_regclass(wanted.child) is not null
    and to_regclass(wanted.parent) is not null
