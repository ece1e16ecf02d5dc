-- waybill: sample
{% set fields = {
    'airport_id': '/faa',
    'airport_name': '/name',
    'time_zone': '/time_zone',
    'altitude_feet': '/altitude_feet',
    'latitude_degrees': '/latitude',
    'longitude_degrees': '/longitude',
    'updated_at': '/updated_at',
} %}
{%- set types = {
    'time_zone': 'time_zone',
    'altitude_feet': 'integer',
    'latitude_degrees': 'double precision',
    'longitude_degrees': 'double precision',
    'updated_at': 'timestamptz',
} %}

with

source as (

    {{ run_documents('airports') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ field_texts('airports', fields) }},
        {{ is_withdrawn('airports') }} as is_withdrawn,
        {{ value_hash() }} as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, fields, 'airports', names=['airport_id']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('airports', fields, types) }} as document_key,
        {{ document_version('airports', fields, types) }},
        airport_id,
        airport_name,
        {{ cast_when_castable('time_zone', types['time_zone']) }} as time_zone,
        {{ cast_when_castable('altitude_feet', types['altitude_feet']) }} as altitude_feet,
        {{ cast_when_castable('latitude_degrees', types['latitude_degrees']) }} as latitude_degrees,
        {{ cast_when_castable('longitude_degrees', types['longitude_degrees']) }} as longitude_degrees,
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
