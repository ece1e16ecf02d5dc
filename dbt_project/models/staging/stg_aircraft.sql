-- waybill: sample
{% set fields = {
    'aircraft_id': '/tail_number',
    'aircraft_type': '/airframe/type',
    'manufacturer': '/manufacture/manufacturer',
    'model': '/manufacture/model',
    'engine_type': '/airframe/engine_type',
    'engines': '/airframe/engines',
    'seats': '/airframe/seats',
    'manufacture_year': '/manufacture/year',
    'updated_at': '/updated_at',
} %}
{%- set types = {
    'engines': 'integer',
    'seats': 'integer',
    'manufacture_year': 'integer',
    'updated_at': 'timestamptz',
} %}

with

source as (

    {{ run_documents('aircraft') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ field_texts('aircraft', fields) }},
        {{ is_withdrawn('aircraft') }} as is_withdrawn,
        {{ value_hash() }} as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, fields, 'aircraft', names=['aircraft_id']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('aircraft', fields, types) }} as document_key,
        {{ document_version('aircraft', fields, types) }},
        aircraft_id,
        aircraft_type,
        manufacturer,
        model,
        engine_type,
        {{ cast_when_castable('engines', types['engines']) }} as engines,
        {{ cast_when_castable('seats', types['seats']) }} as seats,
        {{ cast_when_castable('manufacture_year', types['manufacture_year']) }} as manufacture_year,
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
