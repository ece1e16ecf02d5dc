-- waybill: sample
-- One row per airline. Codes that appear only in flights get an inferred row (`is_inferred`), which stays as long as any
-- landed flight uses the code, withdrawn and superseded ones included.

with

airlines as (

    select * from {{ ref('int_airlines_deduplicated') }}

),

flights as (

    select * from {{ ref('int_flights_deduplicated') }}

),

delivered as (

    select airline_id, airline_name, false as is_inferred, updated_at, _batch_id, _position
    from airlines
    where outcome = 'current'

),

inferred as (

    select distinct
        flights.airline_id,
        null::text as airline_name,
        true as is_inferred,
        null::timestamptz as updated_at,
        null::uuid as _batch_id,
        null::bigint as _position
    from flights
    left join delivered on flights.airline_id = delivered.airline_id
    where flights.outcome not in ('uncastable', 'undone') and delivered.airline_id is null

),

final as (

    select * from delivered
    union all
    select * from inferred

)

select * from final
