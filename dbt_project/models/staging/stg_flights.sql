-- Missing values: a text that is empty, blank or says NA is no value; of a version, empty or blank only.
{%- set key = ['airline_id', 'flight_number', 'origin_airport_id', 'scheduled_date'] %}
{%- set types = {
    'flight_number': 'integer',
    'scheduled_departure_hhmm': 'hhmm',
    'scheduled_arrival_hhmm': 'hhmm',
    'departure_hhmm': 'hhmm',
    'arrival_hhmm': 'hhmm',
    'departure_delay_minutes': 'integer',
    'arrival_delay_minutes': 'integer',
    'air_time_minutes': 'integer',
    'distance_miles': 'integer',
    'scheduled_date': 'date',
    'source_departure_hour_at': 'timestamptz',
    'updated_at': 'timestamptz',
} %}
{%- set required = [
    'airline_id', 'flight_number', 'origin_airport_id', 'destination_airport_id', 'scheduled_date', 'updated_at',
] %}
{%- set names = ['airline_id', 'aircraft_id', 'origin_airport_id', 'destination_airport_id'] %}

with

source as (

    {{ frozen_documents('flights') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ present_text("document -> 'airline' ->> 'code'") }} as airline_id,
        {{ present_text("document -> 'aircraft' ->> 'tail_number'") }} as aircraft_id,
        {{ present_text("document -> 'origin' ->> 'airport'") }} as origin_airport_id,
        {{ present_text("document -> 'destination' ->> 'airport'") }} as destination_airport_id,
        {{ present_text("document ->> 'status'") }} as record_status,
        {{ present_text("document ->> 'flight_number'") }} as flight_number,
        {{ present_text("document -> 'scheduled' ->> 'departure'") }} as scheduled_departure_hhmm,
        {{ present_text("document -> 'scheduled' ->> 'arrival'") }} as scheduled_arrival_hhmm,
        {{ present_text("document -> 'actual' ->> 'departure'") }} as departure_hhmm,
        {{ present_text("document -> 'actual' ->> 'arrival'") }} as arrival_hhmm,
        {{ present_text("document -> 'delays' ->> 'departure_minutes'") }} as departure_delay_minutes,
        {{ present_text("document -> 'delays' ->> 'arrival_minutes'") }} as arrival_delay_minutes,
        {{ present_text("document -> 'actual' ->> 'air_time_minutes'") }} as air_time_minutes,
        {{ present_text("document ->> 'distance_miles'") }} as distance_miles,
        {{ present_text("document -> 'scheduled' ->> 'date'") }} as scheduled_date,
        {{ present_text("document -> 'scheduled' ->> 'departure_hour'") }} as source_departure_hour_at,
        nullif(trim(document ->> 'updated_at'), '') as updated_at,
        jsonb_hash_extended(document, 0) as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, required, names) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key(key, types) }} as document_key,
        airline_id,
        aircraft_id,
        origin_airport_id,
        destination_airport_id,
        {{ cast_when_castable('flight_number', types['flight_number']) }} as flight_number,
        {{ cast_when_castable('scheduled_departure_hhmm', types['scheduled_departure_hhmm']) }} as scheduled_departure_hhmm,
        {{ cast_when_castable('scheduled_arrival_hhmm', types['scheduled_arrival_hhmm']) }} as scheduled_arrival_hhmm,
        {{ cast_when_castable('departure_hhmm', types['departure_hhmm']) }} as departure_hhmm,
        {{ cast_when_castable('arrival_hhmm', types['arrival_hhmm']) }} as arrival_hhmm,
        {{ cast_when_castable('departure_delay_minutes', types['departure_delay_minutes']) }} as departure_delay_minutes,
        {{ cast_when_castable('arrival_delay_minutes', types['arrival_delay_minutes']) }} as arrival_delay_minutes,
        {{ cast_when_castable('air_time_minutes', types['air_time_minutes']) }} as air_time_minutes,
        {{ cast_when_castable('distance_miles', types['distance_miles']) }} as distance_miles,
        {{ cast_when_castable('scheduled_date', types['scheduled_date']) }} as scheduled_date,
        {{ cast_when_castable('source_departure_hour_at', types['source_departure_hour_at']) }} as source_departure_hour_at,
        coalesce(record_status = 'withdrawn', false) as is_withdrawn,
        {{ cast_when_castable('updated_at', types['updated_at']) }} as updated_at,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
