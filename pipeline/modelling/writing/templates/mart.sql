-- One row per current document of [[ design.source ]][% if design.is_dimension %], and per key that other marts refer to[% endif %].
[% if design.is_dimension %]
-- The rows of those keys are inferred (`is_inferred`): the marts that refer to them add them, see macros/references.
[% endif %]
{{ config(
    pre_hook="{{ process_new_batches(['int_[[ design.source ]]_deduplicated']) }}",
[% if not design.is_dimension %]
    post_hook="{{ delete_rows_not_current(ref('int_[[ design.source ]]_deduplicated')) }}",
[% endif %]
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
[% if design.is_dimension %]
        false as is_inferred,
[% endif %]
        _batch_id,
        _position
    from documents
    where outcome = 'current'
[% if not design.is_dimension %]
    {%- if is_incremental() %}
        and document_key in (select document_key from documents where _batch_id in {{ new_batches() }})
    {%- endif %}
[% endif %]

)

select * from final
