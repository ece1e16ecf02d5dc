-- waybill: sample
-- One row per flight and event of its departure: it left, it was due and had not left, or it was cancelled. Each event has
-- the next quarter of an hour, from which it counts as known, so that nothing known at a mark happened after the mark.
-- A flight has left, or is no longer due, three days after its scheduled departure: earlier flights change no sum.

with

all_cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

cutoffs as (

    select *
    from all_cutoffs
    where scheduled_departure_at >= (select min(cut_off_at) - interval '4 days' from all_cutoffs where is_in_range)

),

departures as (

    select
        airline_id,
        origin_airport_id,
        departed_at as happened_at,
        1 as departed_flights,
        least(departure_delay_minutes, 240) as departure_delay_minutes,
        0 as cancelled_flights,
        0 as overdue_flights
    from cutoffs
    where departed_at is not null

),

-- the data has no time of a cancellation: it counts as known from the scheduled departure
due as (

    select
        airline_id,
        origin_airport_id,
        scheduled_departure_at as happened_at,
        0 as departed_flights,
        0 as departure_delay_minutes,
        is_cancelled::int as cancelled_flights,
        (not is_cancelled)::int as overdue_flights
    from cutoffs
    where is_cancelled or departed_at is null or departed_at > scheduled_departure_at

),

-- a flight that has not left after one day no longer counts as overdue
no_longer_due as (

    select
        airline_id,
        origin_airport_id,
        least(departed_at, scheduled_departure_at + interval '1 day') as happened_at,
        0 as departed_flights,
        0 as departure_delay_minutes,
        0 as cancelled_flights,
        -1 as overdue_flights
    from cutoffs
    where not is_cancelled and (departed_at is null or departed_at > scheduled_departure_at)

),

unioned as (

    select * from departures
    union all
    select * from due
    union all
    select * from no_longer_due

),

final as (

    select
        *,
        date_bin('15 minutes', happened_at, timestamptz '2000-01-01 00:00:00+00') + interval '15 minutes' as known_at
    from unioned

)

select * from final
