-- Missing values: a text that is empty, blank or says NA is no value; of a version, empty or blank only.
{%- set types = {
    'updated_at': 'timestamptz',
} %}
{%- set required = ['airline_id', 'updated_at'] %}

with

source as (

    {{ frozen_documents('airlines') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ present_text("document ->> 'carrier'") }} as airline_id,
        {{ present_text("document ->> 'name'") }} as airline_name,
        nullif(trim(document ->> 'updated_at'), '') as updated_at,
        jsonb_hash_extended(document, 0) as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, required, ['airline_id']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key(['airline_id']) }} as document_key,
        airline_id,
        airline_name,
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
