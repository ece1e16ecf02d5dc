-- Missing values: a text that is empty, blank or says NA is no value; of a version, empty or blank only.
{%- set types = {
    'engines': 'integer',
    'seats': 'integer',
    'manufacture_year': 'integer',
    'updated_at': 'timestamptz',
} %}
{%- set required = ['aircraft_id', 'updated_at'] %}

with

source as (

    {{ frozen_documents('aircraft') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ present_text("document ->> 'tail_number'") }} as aircraft_id,
        {{ present_text("document #>> '{airframe,type}'") }} as aircraft_type,
        {{ present_text("document #>> '{manufacture,manufacturer}'") }} as manufacturer,
        {{ present_text("document #>> '{manufacture,model}'") }} as model,
        {{ present_text("document #>> '{airframe,engine_type}'") }} as engine_type,
        {{ present_text("document #>> '{airframe,engines}'") }} as engines,
        {{ present_text("document #>> '{airframe,seats}'") }} as seats,
        {{ present_text("document #>> '{manufacture,year}'") }} as manufacture_year,
        nullif(trim(document ->> 'updated_at'), '') as updated_at,
        jsonb_hash_extended(document, 0) as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, required, ['aircraft_id']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key(['aircraft_id']) }} as document_key,
        aircraft_id,
        aircraft_type,
        manufacturer,
        model,
        engine_type,
        {{ cast_when_castable('engines', types['engines']) }} as engines,
        {{ cast_when_castable('seats', types['seats']) }} as seats,
        {{ cast_when_castable('manufacture_year', types['manufacture_year']) }} as manufacture_year,
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
