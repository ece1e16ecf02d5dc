-- One row per [[ row_of ]] of a current document of [[ design.source ]].
{{ config(
    pre_hook="{{ process_new_batches(['[[ parent ]]']) }}",
    post_hook="{{ delete_rows_without_parent(ref('[[ parent ]]')) }}",
) }}

with

parents as (

    {{ touched_parents(ref('[[ parent ]]'), ref('int_[[ design.source ]]_deduplicated')) }}

),

children as (

    select *
    from {{ ref('[[ staging ]]') }}
    where _batch_id = any(array(select distinct _batch_id from parents))

),

final as (

    select
[% for name in parent_key %]
        parents.[[ name ]],
[% endfor %]
        children.[[ table.own_key ]],
[% for column in table.columns %]
        children.[[ column.name ]],
[% endfor %]
        children._batch_id,
        children._position
    from parents
    inner join children
        on parents._batch_id = children._batch_id
        and parents._position = children._position
[% for name in shared %]
        and parents.[[ name ]] = children.[[ name ]]
[% endfor %]

)

select * from final
