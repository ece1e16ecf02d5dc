-- waybill: sample
{% set fields = {
    'airline_id': '/airline/code',
    'aircraft_id': '/aircraft/tail_number',
    'origin_airport_id': '/origin/airport',
    'destination_airport_id': '/destination/airport',
    'flight_number': '/flight_number',
    'scheduled_departure_hhmm': '/scheduled/departure',
    'scheduled_arrival_hhmm': '/scheduled/arrival',
    'departure_hhmm': '/actual/departure',
    'arrival_hhmm': '/actual/arrival',
    'departure_delay_minutes': '/delays/departure_minutes',
    'arrival_delay_minutes': '/delays/arrival_minutes',
    'air_time_minutes': '/actual/air_time_minutes',
    'distance_miles': '/distance_miles',
    'scheduled_date': '/scheduled/date',
    'source_departure_hour_at': '/scheduled/departure_hour',
    'updated_at': '/updated_at',
} %}
{%- set types = {
    'flight_number': 'integer',
    'scheduled_departure_hhmm': 'hhmm',
    'scheduled_arrival_hhmm': 'hhmm',
    'departure_hhmm': 'hhmm',
    'arrival_hhmm': 'hhmm',
    'departure_delay_minutes': 'minutes',
    'arrival_delay_minutes': 'minutes',
    'air_time_minutes': 'integer',
    'distance_miles': 'integer',
    'scheduled_date': 'date',
    'source_departure_hour_at': 'timestamptz',
    'updated_at': 'timestamptz',
} %}
{%- set names = ['airline_id', 'aircraft_id', 'origin_airport_id', 'destination_airport_id'] %}

with

source as (

    {{ run_documents('flights') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ field_texts('flights', fields) }},
        {{ is_withdrawn('flights') }} as is_withdrawn,
        {{ value_hash() }} as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, fields, 'flights', ['destination_airport_id'], names) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('flights', fields, types) }} as document_key,
        {{ document_version('flights', fields, types) }},
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
