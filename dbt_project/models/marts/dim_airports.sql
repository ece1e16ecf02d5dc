-- One row per airport. Codes that appear only in flights or weather get an inferred row (`is_inferred`), which stays as long
-- as any landed document uses the code, withdrawn and superseded ones included.
-- Seen in the data: EEN has its coordinates swapped. All airports of the register are north of the equator, so a negative
-- latitude with a positive longitude is corrected.
-- The model records which batches it has processed, because fct_flights depends on it: a new airport document can change a
-- time zone, and with it the instants of all flights of the airport.
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
