-- waybill: sample
-- One row per grain, member and quarter of an hour at which a flight of the member is scored: what is known by then from the
-- departures of all New York airports (network), of one airport, and of one airline at one airport. Events and marks are
-- summed in one pass over time, so no flight has to search its past.
{{ config(post_hook="{{ analyze_lookup(['member', 'quarter_at']) }}") }}

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
        known_at as quarter_at,
        departed_flights,
        departure_delay_minutes,
        cancelled_flights,
        overdue_flights,
        false as is_scored
    from events
    union all
    select
        airline_id,
        origin_airport_id,
        quarter_at,
        0,
        0,
        0,
        0,
        true
    from cutoffs
    where is_in_range

),

summed as (

    select
        case
            when grouping(airline_id) = 0 then 'airline'
            when grouping(origin_airport_id) = 0 then 'airport'
            else 'network'
        end as grain,
        case
            when grouping(airline_id) = 0 then {{ joined_key(['airline_id', 'origin_airport_id']) }}
            else coalesce(origin_airport_id, 'all')
        end as member,
        quarter_at,
        sum(departed_flights)::int as departed_flights,
        sum(departure_delay_minutes)::int as departure_delay_minutes,
        sum(cancelled_flights)::int as cancelled_flights,
        sum(overdue_flights)::int as overdue_flights,
        bool_or(is_scored) as is_scored
    from moments
    group by grouping sets ((quarter_at), (quarter_at, origin_airport_id), (quarter_at, origin_airport_id, airline_id))

),

accumulated as (

    select
        grain,
        member,
        quarter_at,
        is_scored,
        sum(departed_flights) over last_hours as departed_flights_3h,
        sum(departure_delay_minutes) over last_hours as departure_delay_minutes_3h,
        sum(cancelled_flights) over last_hours as cancelled_flights_3h,
        sum(overdue_flights) over so_far as overdue_flights
    from summed
    window
        so_far as (partition by grain, member order by quarter_at),
        last_hours as (so_far range between interval '165 minutes' preceding and current row)

),

final as (

    select
        grain,
        member,
        quarter_at,
        departure_delay_minutes_3h::double precision / nullif(departed_flights_3h, 0) as departure_delay_minutes_3h,
        cancelled_flights_3h::int as cancelled_flights_3h,
        overdue_flights::int as overdue_flights
    from accumulated
    where is_scored

)

select * from final
