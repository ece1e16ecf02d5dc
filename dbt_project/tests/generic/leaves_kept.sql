{#-
    Promise P9, on the mart of a source: each leaf of each current document is in a column that `carried` of the declaration names, or
    its path is in `left_out`. Counts per path are equal in the documents and in the marts, and values that are kept as JSON are
    equal. Keys that the marts have yet to process are left out (PostgreSQL is asked first whether there are any, because a
    condition for them would keep it from counting in parallel). What no path names is lost, unless the loader has reported it
    as drift: see `leaves_adopted`.
-#}
{% test leaves_kept(model, source_name, documents, marts) %}
{%- set landed = source('raw', source_name) -%}
{%- if not execute %}
select 1 from {{ documents }} limit 0
{%- else %}
{%- set levels = leaf_levels(source_name) -%}
{%- set checks = leaf_checks(source_name, levels) -%}
{%- set relations = {} -%}
{%- for mart in marts -%}{%- do relations.update({mart.identifier: mart}) -%}{%- endfor -%}
{%- set names = checks | map(attribute='mart') | unique | list -%}
{%- set levels_used = levels | list -%}
{%- set is_built = load_relation(documents) is not none -%}
{%- set is_unfinished = is_built and run_query('select exists (' ~ unfinished_keys(documents, marts) ~ ')').rows[0][0] -%}

with

{%- if is_unfinished %}

unfinished as materialized (

    {{ unfinished_keys(documents, marts) }}

),
{%- endif %}

documents as not materialized (

    {{ current_documents(landed, documents) }}
    {%- if is_unfinished %}
        and outcomes.document_key not in (select unfinished.document_key from unfinished)
    {%- endif %}

),
{%- for path in levels_used %}

landed_{{ loop.index }} as (

    select
        array[
            {%- for check in checks if check.level == path %}
            ({{ check.landed }})::numeric,
            {%- endfor %}
            null::numeric
        ] as counts,
        count(*) filter (
            where {{ unknown_leaves(levels, path) | map(attribute='is_there') | join('\n            or ') or 'false' }}
        ) as unknown
    from {{ level_rows(levels, path) }}

),
{%- endfor %}
{%- for name in names %}

kept_{{ loop.index }} as (

    select
        array[
            {%- for check in checks if check.mart == name %}
            ({{ check.kept }})::numeric{{ ',' if not loop.last }}
            {%- endfor %}
        ] as counts
    from {{ carried_rows(source_name, documents, relations, name, is_unfinished) }} as mart

),
{%- endfor %}

checked as (

    {%- for check in checks %}
    {% if not loop.first %}union all{% endif %}
    select
        {{ check.number_in_mart }} as item,
        '{{ check.path | replace("'", "''") }}' as path,
        '{{ check.mart }}' as mart,
        '{{ check.column or "" }}' as column_name,
        {{ check.is_json | lower }} as is_json,
        landed.counts[{{ check.number_in_level }}] as landed,
        kept.counts[{{ check.number_in_mart }}] as kept
    from landed_{{ levels_used.index(check.level) + 1 }} as landed
    cross join kept_{{ names.index(check.mart) + 1 }} as kept
    {%- endfor %}

),

{%- for name in names %}

documents_{{ loop.index }} as (

    {{ leaves_by_document(
        checks | selectattr('mart', 'equalto', name) | list,
        levels,
        carried_rows(source_name, documents, relations, name, is_unfinished),
        "exists (select from checked where checked.mart = '" ~ name ~ "' and checked.landed <> checked.kept)",
    ) }}

),
{%- endfor %}

compared as (

    {%- for name in names %}
    {% if not loop.first %}union all{% endif %}
    select
        checked.path,
        checked.mart,
        checked.column_name,
        checked.is_json,
        by_document._batch_id,
        by_document._position,
        coalesce(by_document.landed[checked.item], 0) as landed,
        coalesce(by_document.kept[checked.item], 0) as kept
    from checked
    cross join documents_{{ loop.index }} as by_document
    where checked.mart = '{{ name }}' and checked.landed <> checked.kept
    {%- endfor %}

),

differing as (

    select
        path,
        mart,
        column_name,
        case
            when is_json then 'other values than in the documents'
            else format('%s in the documents, %s in the mart', sum(landed), sum(kept))
        end as problem,
        count(*) filter (where landed <> kept) as documents,
        min('batch ' || _batch_id || ', position ' || _position) filter (where landed <> kept) as first_document
    from compared
    group by path, mart, column_name, is_json
    having bool_or(landed <> kept)

),

unknown as (

    {{ listed_unknown_leaves(levels, "(select landed.unknown from landed_{} as landed) > 0") }}

),

lost as (

    select
        unknown.path,
        '' as mart,
        '' as column_name,
        'in no column: add it to `carried` or `left_out` of loader/sources/{{ source_name }}.yml' as problem,
        count(distinct (unknown._batch_id, unknown._position)) as documents,
        min('batch ' || unknown._batch_id || ', position ' || unknown._position) as first_document
    from unknown
    where not {{ is_drift('unknown') }}
    group by unknown.path

)

select * from differing
union all
select * from lost
{%- endif %}

{% endtest %}
