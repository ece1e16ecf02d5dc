-- One row per airline, origin airport and five-minute mark at which one of its flights is scored: what the airline's
-- flights from there have said by then.

with

events as (

    select * from {{ ref('int_flight_events') }}

),

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

moments as (

    select
        airline_id,
        origin_airport_id,
        known_at as as_of_at,
        departed_flights,
        departure_delay_minutes,
        landed_flights,
        arrival_delay_minutes,
        cancelled_flights,
        overdue_flights,
        0 as scored_flights
    from events
    union all
    select airline_id, origin_airport_id, as_of_at, 0, 0, 0, 0, 0, 0, 1
    from cutoffs
    where is_in_range

),

summed as (

    select
        airline_id,
        origin_airport_id,
        as_of_at,
        sum(departed_flights)::int as departed_flights,
        sum(departure_delay_minutes)::int as departure_delay_minutes,
        sum(landed_flights)::int as landed_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        sum(cancelled_flights)::int as cancelled_flights,
        sum(overdue_flights)::int as overdue_flights,
        sum(scored_flights) > 0 as is_scored
    from moments
    group by airline_id, origin_airport_id, as_of_at

),

accumulated as (

    select
        airline_id,
        origin_airport_id,
        as_of_at,
        is_scored,
        sum(departed_flights) over last_hours as departed_flights_4h,
        sum(departure_delay_minutes) over last_hours as departure_delay_minutes_4h,
        sum(landed_flights) over last_hours as landed_flights_4h,
        sum(arrival_delay_minutes) over last_hours as arrival_delay_minutes_4h,
        sum(cancelled_flights) over last_hours as cancelled_flights_4h,
        sum(overdue_flights) over so_far as overdue_flights
    from summed
    window
        so_far as (partition by airline_id, origin_airport_id order by as_of_at),
        last_hours as (so_far range between interval '235 minutes' preceding and current row)

),

final as (

    select
        airline_id,
        origin_airport_id,
        as_of_at,
        departure_delay_minutes_4h::double precision / nullif(departed_flights_4h, 0) as departure_delay_minutes_4h,
        arrival_delay_minutes_4h::double precision / nullif(landed_flights_4h, 0) as arrival_delay_minutes_4h,
        cancelled_flights_4h::int as cancelled_flights_4h,
        overdue_flights::int as overdue_flights
    from accumulated
    where is_scored

)

select * from final
