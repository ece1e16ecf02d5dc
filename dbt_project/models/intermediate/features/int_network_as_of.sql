-- One row per five-minute mark at which any flight is scored: what all New York flights have said by then.

with

events as (

    select * from {{ ref('int_flight_events') }}

),

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

moments as (

    select
        known_at as as_of_at,
        departed_flights,
        departure_delay_minutes,
        landed_flights,
        arrival_delay_minutes,
        late_flights,
        cancelled_flights,
        overdue_flights,
        0 as scored_flights
    from events
    union all
    select as_of_at, 0, 0, 0, 0, 0, 0, 0, 1
    from cutoffs
    where is_in_range

),

summed as (

    select
        as_of_at,
        sum(departed_flights)::int as departed_flights,
        sum(departure_delay_minutes)::int as departure_delay_minutes,
        sum(landed_flights)::int as landed_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        sum(late_flights)::int as late_flights,
        sum(cancelled_flights)::int as cancelled_flights,
        sum(overdue_flights)::int as overdue_flights,
        sum(scored_flights) > 0 as is_scored
    from moments
    group by as_of_at

),

accumulated as (

    select
        as_of_at,
        is_scored,
        sum(departed_flights) over last_hours as departed_flights_2h,
        sum(departure_delay_minutes) over last_hours as departure_delay_minutes_2h,
        sum(landed_flights) over last_hours as landed_flights_2h,
        sum(arrival_delay_minutes) over last_hours as arrival_delay_minutes_2h,
        sum(late_flights) over last_hours as late_flights_2h,
        sum(cancelled_flights) over last_day as cancelled_flights_12h,
        sum(overdue_flights) over so_far as overdue_flights
    from summed
    window
        so_far as (order by as_of_at),
        last_hours as (so_far range between interval '115 minutes' preceding and current row),
        last_day as (so_far range between interval '715 minutes' preceding and current row)

),

final as (

    select
        as_of_at,
        departure_delay_minutes_2h::double precision / nullif(departed_flights_2h, 0) as departure_delay_minutes_2h,
        arrival_delay_minutes_2h::double precision / nullif(landed_flights_2h, 0) as arrival_delay_minutes_2h,
        late_flights_2h::double precision / nullif(landed_flights_2h, 0) as late_share_2h,
        cancelled_flights_12h::int as cancelled_flights_12h,
        overdue_flights::int as overdue_flights
    from accumulated
    where is_scored

)

select * from final
