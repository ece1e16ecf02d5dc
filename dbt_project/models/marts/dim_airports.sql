-- One row per airport: what was delivered, and a member inferred for each code that only flights or weather use,
-- withdrawn and superseded documents included, so that a member never leaves.
-- Seen in the data: EEN has its coordinates swapped. All airports of the register lie north of the equator, so a
-- latitude below zero with a longitude above it is put right. What it takes in it also records: a flight's instants hang
-- on its airports' zones, so fct_flights looks again at the flights of an airport with a new document.
{{ config(pre_hook="{{ process_new_batches(['int_airports_deduplicated']) }}") }}

with

airports as (

    select * from {{ ref('int_airports_deduplicated') }}

),

flights as (

    select * from {{ ref('int_flights_deduplicated') }}

),

weather as (

    select * from {{ ref('int_weather_deduplicated') }}

),

supplied as (

    select * from {{ ref('int_airport_time_zones_supplied') }}

),

delivered as (

    select
        airport_id,
        airport_name,
        time_zone,
        altitude_feet,
        latitude_degrees,
        longitude_degrees,
        latitude_degrees < 0 and longitude_degrees > 0 as is_swapped,
        updated_at,
        _batch_id,
        _position
    from airports
    where outcome = 'current'

),

used as (

    select origin_airport_id as airport_id from flights where outcome <> 'uncastable'
    union
    select destination_airport_id as airport_id from flights where outcome <> 'uncastable'
    union
    select airport_id from weather where outcome <> 'uncastable'

),

final as (

    select
        coalesce(delivered.airport_id, used.airport_id) as airport_id,
        delivered.airport_name,
        coalesce(delivered.time_zone, supplied.time_zone) as time_zone,
        delivered.altitude_feet,
        case when delivered.is_swapped then delivered.longitude_degrees else delivered.latitude_degrees end
            as latitude_degrees,
        case when delivered.is_swapped then delivered.latitude_degrees else delivered.longitude_degrees end
            as longitude_degrees,
        delivered.airport_id is null as is_inferred,
        delivered.updated_at,
        delivered._batch_id,
        delivered._position
    from delivered
    full join used on delivered.airport_id = used.airport_id
    left join supplied on coalesce(delivered.airport_id, used.airport_id) = supplied.airport_id

)

select * from final
