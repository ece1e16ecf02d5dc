-- waybill: sample
{% set fields = {
    'airline_id': '/carrier',
    'airline_name': '/name',
    'updated_at': '/updated_at',
} %}
{%- set types = {
    'updated_at': 'timestamptz',
} %}

with

source as (

    {{ run_documents('airlines') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ field_texts('airlines', fields) }},
        {{ is_withdrawn('airlines') }} as is_withdrawn,
        {{ value_hash() }} as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, fields, 'airlines', names=['airline_id']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('airlines', fields, types) }} as document_key,
        {{ document_version('airlines', fields, types) }},
        airline_id,
        airline_name,
        is_withdrawn,
        {{ cast_when_castable('updated_at', types['updated_at']) }} as updated_at,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
