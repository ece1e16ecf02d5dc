-- Missing values: a text that is empty, blank or says NA is no value; of a version, empty or blank only.
{%- set types = {
    'time_zone': 'time_zone',
    'altitude_feet': 'integer',
    'latitude_degrees': 'double precision',
    'longitude_degrees': 'double precision',
    'updated_at': 'timestamptz',
} %}
{%- set required = ['airport_id', 'updated_at'] %}

with

source as (

    {{ frozen_documents('airports') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ present_text("document ->> 'faa'") }} as airport_id,
        {{ present_text("document ->> 'name'") }} as airport_name,
        {{ present_text("document ->> 'time_zone'") }} as time_zone,
        {{ present_text("document ->> 'altitude_feet'") }} as altitude_feet,
        {{ present_text("document ->> 'latitude'") }} as latitude_degrees,
        {{ present_text("document ->> 'longitude'") }} as longitude_degrees,
        nullif(trim(document ->> 'updated_at'), '') as updated_at,
        jsonb_hash_extended(document, 0) as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, required, ['airport_id']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key(['airport_id']) }} as document_key,
        airport_id,
        airport_name,
        {{ cast_when_castable('time_zone', types['time_zone']) }} as time_zone,
        {{ cast_when_castable('altitude_feet', types['altitude_feet']) }} as altitude_feet,
        {{ cast_when_castable('latitude_degrees', types['latitude_degrees']) }} as latitude_degrees,
        {{ cast_when_castable('longitude_degrees', types['longitude_degrees']) }} as longitude_degrees,
        false as is_withdrawn,
        {{ cast_when_castable('updated_at', types['updated_at']) }} as updated_at,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
