-- One row per [[ row_of ]] of a delivered document, whatever became of the document.
[% include "fields.sql" %]

with

source as (

    {{ run_documents('[[ design.source ]]') }}

),

parsed as (

    select
        source._batch_id,
        source._position,
[% for level in levels %]
        [[ level.alias ]].[[ "number" if level.table.kind == "array" else "name" ]] as [[ level.table.own_key ]],
[% endfor %]
        {{ field_texts(
            '[[ design.source ]]',
            fields,
            document='[[ levels[-1].alias ]].value',
            within=[[ within|literal ]],
[% if has_json %]
            types=types,
[% endif %]
        ) }},
[% if others %]
        {{ other_fields(others, document='[[ levels[-1].alias ]].value') }} as other_fields,
[% endif %]
        {{ evaluated_once() }} as _parsed
    from source
    cross join lateral {{ unpacked('source.document') }} as unpacked (document)
[% for level in levels %]
    cross join lateral
        {{ [[ "array_elements" if level.table.kind == "array" else "map_members" ]](json_at('[[ level.above ]]', [[ level.table.pointer|literal ]])) }} as [[ level.alias ]]
[% endfor %]

),

checked as (

    select
        *,
        {{ uncastable_reason(
            types,
            fields,
[% if names %]
            names=[[ names|literals ]],
[% endif %]
[% include "below.sql" %]
            row=[[ row|literals ]],
        ) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
[% for name in row %]
        [[ name ]],
[% endfor %]
[% for column in columns %]
        [[ column|cast ]],
[% endfor %]
        uncastable_reason,
        _batch_id,
        _position
    from checked

)

select * from renamed
