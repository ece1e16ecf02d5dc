-- waybill: sample
-- One row per airport. Codes that appear only in flights or weather get an inferred row (`is_inferred`), which stays as long
-- as any landed document uses the code, withdrawn and superseded ones included.
-- Values that are proven wrong, such as the swapped coordinates of EEN, are replaced as the model `corrections` lists them.
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

corrections as (

    select * from {{ ref('corrections') }} where mart = 'dim_airports'

),

delivered as (

    select
        airport_id,
        airport_name,
        time_zone,
        altitude_feet,
        latitude_degrees,
        longitude_degrees,
        updated_at,
        _batch_id,
        _position
    from airports
    where outcome = 'current'

),

used as (

    select origin_airport_id as airport_id from flights where outcome not in ('uncastable', 'undone')
    union
    select destination_airport_id as airport_id from flights where outcome not in ('uncastable', 'undone')
    union
    select airport_id from weather where outcome not in ('uncastable', 'undone')

),

combined as (

    select
        coalesce(delivered.airport_id, used.airport_id) as airport_id,
        delivered.airport_name,
        delivered.time_zone,
        delivered.altitude_feet,
        delivered.latitude_degrees,
        delivered.longitude_degrees,
        delivered.airport_id is null as is_inferred,
        delivered.updated_at,
        delivered._batch_id,
        delivered._position
    from delivered
    full join used on delivered.airport_id = used.airport_id

),

final as (

    select
        combined.airport_id,
        combined.airport_name,
        {{ corrected_value('combined', 'time_zone', 'airport_id') }} as time_zone,
        combined.altitude_feet,
        {{ corrected_value('combined', 'latitude_degrees', 'airport_id', 'double precision') }} as latitude_degrees,
        {{ corrected_value('combined', 'longitude_degrees', 'airport_id', 'double precision') }} as longitude_degrees,
        combined.is_inferred,
        combined.updated_at,
        combined._batch_id,
        combined._position
    from combined

)

select * from final
