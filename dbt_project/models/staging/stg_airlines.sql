-- Missing values: a text that is empty, blank or says NA is no value, in every field alike.
{%- set types = {
    'updated_at': 'timestamptz',
} %}
{%- set required = ['airline_id', 'updated_at'] %}

with

source as (

    {{ frozen_documents('airlines') }}

),

-- offset 0 keeps the planner from taking each field out of the document again wherever it is used
parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        nullif(nullif(trim(document ->> 'carrier'), ''), 'NA') as airline_id,
        nullif(nullif(trim(document ->> 'name'), ''), 'NA') as airline_name,
        nullif(trim(document ->> 'updated_at'), '') as updated_at,
        jsonb_hash_extended(document, 0) as _value_hash
    from source
    offset 0

),

checked as (

    select
        *,
        airline_id as document_key,
        {{ uncastable_reason(types, required) }} as uncastable_reason
    from parsed
    offset 0

),

renamed as (

    select
        document_key,
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
