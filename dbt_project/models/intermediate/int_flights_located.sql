-- waybill: sample
-- One row per current flight with the time zones of origin and destination. Clock times are local: without a time zone
-- there is no instant, and the columns that are calculated from it are null.

with

flights as (

    select * from {{ ref('int_flights_deduplicated') }}

),

airports as (

    select * from {{ ref('dim_airports') }}

),

final as (

    select
        flights.*,
        origins.time_zone as origin_time_zone,
        destinations.time_zone as destination_time_zone,
        flights.scheduled_date + {{ hhmm_interval('flights.scheduled_departure_hhmm') }} as scheduled_departure_local,
        flights.scheduled_date + {{ hhmm_interval('flights.scheduled_arrival_hhmm') }} as first_arrival_local,
        flights.scheduled_date + {{ hhmm_interval('flights.departure_hhmm') }} as first_departed_local,
        flights.scheduled_date + {{ hhmm_interval('flights.arrival_hhmm') }} as first_arrived_local
    from flights
    left join airports as origins on flights.origin_airport_id = origins.airport_id
    left join airports as destinations on flights.destination_airport_id = destinations.airport_id
    where flights.outcome = 'current'

)

select * from final
