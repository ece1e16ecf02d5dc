[% include "fields.sql" %]

with

source as (

    {{ run_documents('[[ design.source ]]') }}

),

parsed as (

    select
        source._batch_id,
        source._position,
        source._fingerprint,
        {{ field_texts('[[ design.source ]]', fields, document='unpacked.document'[[ ", types=types" if has_json ]]) }},
[% if others %]
        {{ other_fields(others, document='unpacked.document') }} as other_fields,
[% endif %]
        {{ is_withdrawn('[[ design.source ]]', document='unpacked.document') }} as is_withdrawn,
        {{ value_hash('unpacked.document') }} as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source
    cross join lateral {{ unpacked('source.document') }} as unpacked (document)

),

checked as (

    select
        *,
[% if arrays or maps or others %]
        {{ uncastable_reason(
            types,
            fields,
            '[[ design.source ]]',
[% include "below.sql" %]
        ) }} as uncastable_reason,
[% else %]
        {{ uncastable_reason(types, fields, '[[ design.source ]]') }} as uncastable_reason,
[% endif %]
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('[[ design.source ]]', fields, types) }} as document_key,
        {{ document_version('[[ design.source ]]', fields, types) }},
[% if design.value_key_column %]
        _value_hash as [[ design.value_key_column ]],
[% endif %]
[% for column in columns %]
        [[ column|cast ]],
[% endfor %]
        is_withdrawn,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
