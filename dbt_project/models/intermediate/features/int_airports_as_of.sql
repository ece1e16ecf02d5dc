-- One row per origin airport and five-minute mark at which one of its flights is scored: what the airport's flights
-- have said by then. Events and marks are summed in one pass over time, so no flight searches for its past.

with

events as (

    select * from {{ ref('int_flight_events') }}

),

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

moments as (

    select
        origin_airport_id,
        known_at as as_of_at,
        departed_flights,
        departure_delay_minutes,
        landed_flights,
        arrival_delay_minutes,
        late_flights,
        cancelled_flights,
        overdue_flights,
        overdue_since_minutes,
        0 as scored_flights
    from events
    union all
    select origin_airport_id, as_of_at, 0, 0, 0, 0, 0, 0, 0, 0, 1
    from cutoffs
    where is_in_range

),

summed as (

    select
        origin_airport_id,
        as_of_at,
        sum(departed_flights)::int as departed_flights,
        sum(departure_delay_minutes)::int as departure_delay_minutes,
        sum(landed_flights)::int as landed_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        sum(late_flights)::int as late_flights,
        sum(cancelled_flights)::int as cancelled_flights,
        sum(overdue_flights)::int as overdue_flights,
        sum(overdue_since_minutes) as overdue_since_minutes,
        sum(scored_flights) > 0 as is_scored
    from moments
    group by origin_airport_id, as_of_at

),

accumulated as (

    select
        origin_airport_id,
        as_of_at,
        is_scored,
        sum(departed_flights) over last_hour as departed_flights_1h,
        sum(departure_delay_minutes) over last_hour as departure_delay_minutes_1h,
        sum(departed_flights) over last_hours as departed_flights_3h,
        sum(departure_delay_minutes) over last_hours as departure_delay_minutes_3h,
        sum(landed_flights) over last_hours as landed_flights_3h,
        sum(arrival_delay_minutes) over last_hours as arrival_delay_minutes_3h,
        sum(late_flights) over last_hours as late_flights_3h,
        sum(cancelled_flights) over last_hours as cancelled_flights_3h,
        sum(overdue_flights) over so_far as overdue_flights,
        sum(overdue_since_minutes) over so_far as overdue_since_minutes
    from summed
    window
        so_far as (partition by origin_airport_id order by as_of_at),
        last_hour as (so_far range between interval '55 minutes' preceding and current row),
        last_hours as (so_far range between interval '175 minutes' preceding and current row)

),

final as (

    select
        origin_airport_id,
        as_of_at,
        departure_delay_minutes_1h::double precision / nullif(departed_flights_1h, 0) as departure_delay_minutes_1h,
        departure_delay_minutes_3h::double precision / nullif(departed_flights_3h, 0) as departure_delay_minutes_3h,
        arrival_delay_minutes_3h::double precision / nullif(landed_flights_3h, 0) as arrival_delay_minutes_3h,
        late_flights_3h::double precision / nullif(landed_flights_3h, 0) as late_share_3h,
        cancelled_flights_3h::int as cancelled_flights_3h,
        departed_flights_3h::int as departed_flights_3h,
        overdue_flights::int as overdue_flights,
        (
            overdue_flights * (extract(epoch from as_of_at)::int / 60 - 22000000) - overdue_since_minutes
        )::double precision as overdue_minutes
    from accumulated
    where is_scored

)

select * from final
