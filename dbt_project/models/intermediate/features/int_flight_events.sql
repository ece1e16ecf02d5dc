-- One row per flight and thing that becomes known of it. Each carries the first five-minute mark by which it is
-- known, so that "known by a mark at or before the cut-off" never lets a later fact in.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

departures as (

    select
        airline_id,
        origin_airport_id,
        destination_airport_id,
        departed_at as happened_at,
        1 as departed_flights,
        least(departure_delay_minutes, 240) as departure_delay_minutes,
        0 as landed_flights,
        0 as arrival_delay_minutes,
        0 as late_flights,
        0 as cancelled_flights,
        case when departed_at > scheduled_departure_at then -1 else 0 end as overdue_flights,
        case
            when departed_at > scheduled_departure_at
                then -(extract(epoch from scheduled_departure_at)::int / 60 - 22000000)
            else 0
        end as overdue_since_minutes
    from cutoffs
    where departed_at is not null

),

arrivals as (

    select
        airline_id,
        origin_airport_id,
        destination_airport_id,
        arrived_at as happened_at,
        0 as departed_flights,
        0 as departure_delay_minutes,
        1 as landed_flights,
        least(arrival_delay_minutes, 240) as arrival_delay_minutes,
        is_late::int as late_flights,
        0 as cancelled_flights,
        0 as overdue_flights,
        0 as overdue_since_minutes
    from cutoffs
    where arrived_at is not null

),

-- a cancellation has no time of its own: it counts as known from the scheduled departure
due as (

    select
        airline_id,
        origin_airport_id,
        destination_airport_id,
        scheduled_departure_at as happened_at,
        0 as departed_flights,
        0 as departure_delay_minutes,
        0 as landed_flights,
        0 as arrival_delay_minutes,
        0 as late_flights,
        is_cancelled::int as cancelled_flights,
        case when is_cancelled then 0 else 1 end as overdue_flights,
        case
            when is_cancelled then 0
            else extract(epoch from scheduled_departure_at)::int / 60 - 22000000
        end as overdue_since_minutes
    from cutoffs
    where is_cancelled or departed_at > scheduled_departure_at

),

unioned as (

    select * from departures
    union all
    select * from arrivals
    union all
    select * from due

),

final as (

    select
        *,
        date_bin('5 minutes', happened_at + interval '299 seconds', timestamptz '2000-01-01 00:00:00+00') as known_at
    from unioned

)

select * from final
