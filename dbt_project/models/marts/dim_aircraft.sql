-- waybill: sample
-- One row per aircraft. Tail numbers that appear only in flights get an inferred row (`is_inferred`), which stays as long as
-- any landed flight uses the number, withdrawn and superseded ones included.
-- Seen in the data: two spellings of Airbus and three of McDonnell Douglas, which the model `corrections` lists; 50,094 flights
-- of 721 aircraft carry a tail number that is not in the register (AA and MQ use fleet numbers).

with

aircraft as (

    select * from {{ ref('int_aircraft_deduplicated') }}

),

flights as (

    select * from {{ ref('int_flights_deduplicated') }}

),

corrections as (

    select * from {{ ref('corrections') }} where mart = 'dim_aircraft'

),

delivered as (

    select
        aircraft.aircraft_id,
        aircraft.aircraft_type,
        {{ corrected_value('aircraft', 'manufacturer', 'aircraft_id') }} as manufacturer,
        aircraft.model,
        aircraft.engine_type,
        aircraft.engines,
        aircraft.seats,
        aircraft.manufacture_year,
        false as is_inferred,
        aircraft.updated_at,
        aircraft._batch_id,
        aircraft._position
    from aircraft
    where aircraft.outcome = 'current'

),

inferred as (

    select distinct
        flights.aircraft_id,
        null::text as aircraft_type,
        null::text as manufacturer,
        null::text as model,
        null::text as engine_type,
        null::integer as engines,
        null::integer as seats,
        null::integer as manufacture_year,
        true as is_inferred,
        null::timestamptz as updated_at,
        null::uuid as _batch_id,
        null::bigint as _position
    from flights
    left join delivered on flights.aircraft_id = delivered.aircraft_id
    where flights.outcome not in ('uncastable', 'undone') and flights.aircraft_id is not null and delivered.aircraft_id is null

),

final as (

    select * from delivered
    union all
    select * from inferred

)

select * from final
