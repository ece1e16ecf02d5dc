-- One row per current document of [[ design.source ]].
{{ config(
    pre_hook="{{ process_new_batches(['int_[[ design.source ]]_deduplicated']) }}",
    post_hook="{{ delete_rows_not_current(ref('int_[[ design.source ]]_deduplicated')) }}",
) }}

with

documents as (

    select * from {{ ref('int_[[ design.source ]]_deduplicated') }}

),

final as (

    select
[% for name in names %]
        [[ name ]],
[% endfor %]
        _batch_id,
        _position
    from documents
    where outcome = 'current'
    {%- if is_incremental() %}
        and document_key in (select document_key from documents where _batch_id in {{ new_batches() }})
    {%- endif %}

)

select * from final
