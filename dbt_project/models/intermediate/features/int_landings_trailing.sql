-- waybill: sample
-- One row per grain, member and local date of a cut-off: how the flights of an airline, of an airline on a route, of an
-- airport in an hour, of an airline in an hour at an airport, and of a flight number performed on the 14, 21 or 60 days
-- before. A landing counts on the New York date on which it became known, and only dates before the cut-off's count, because
-- they are complete.
{{ config(post_hook="{{ analyze_lookup(['member', 'cut_off_date']) }}") }}

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

named as (

    select
        airline_id,
        {{ joined_key(['airline_id', 'origin_airport_id', 'destination_airport_id']) }} as airline_route,
        origin_airport_id || '-' || scheduled_hour as airport_hour,
        {{ joined_key(['airline_id', 'origin_airport_id', 'scheduled_hour::text']) }} as airline_hour,
        {{ joined_key(['airline_id', 'flight_number::text', 'origin_airport_id']) }} as numbered_flight,
        is_in_range,
        cut_off_date,
        (arrived_at at time zone 'America/New_York')::date as known_date,
        is_late::int as late_flights,
        least(arrival_delay_minutes, 240) as arrival_delay_minutes,
        elapsed_minutes
    from cutoffs

),

moments as (

    select
        *,
        known_date as at_date,
        false as is_scored
    from named
    where known_date is not null
    union all
    select
        airline_id,
        airline_route,
        airport_hour,
        airline_hour,
        numbered_flight,
        is_in_range,
        null,
        null,
        null,
        null,
        null,
        cut_off_date,
        true
    from named
    where is_in_range

),

summed as (

    select
        case
            when grouping(airline_id) = 0 then 'airline'
            when grouping(airline_route) = 0 then 'airline_route'
            when grouping(airport_hour) = 0 then 'airport_hour'
            when grouping(airline_hour) = 0 then 'airline_hour'
            else 'numbered_flight'
        end as grain,
        coalesce(airline_id, airline_route, airport_hour, airline_hour, numbered_flight) as member,
        at_date,
        count(late_flights)::int as landed_flights,
        sum(late_flights)::int as late_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        count(elapsed_minutes)::int as timed_flights,
        sum(elapsed_minutes)::int as elapsed_minutes,
        bool_or(is_scored) as is_scored
    from moments
    group by
        at_date, grouping sets ((airline_id), (airline_route), (airport_hour), (airline_hour), (numbered_flight))

),

accumulated as (

    select
        grain,
        member,
        at_date,
        is_scored,
        sum(landed_flights) over last_21 as landed_flights_21d,
        sum(late_flights) over last_21 as late_flights_21d,
        sum(arrival_delay_minutes) over last_21 as arrival_delay_minutes_21d,
        sum(timed_flights) over last_14 as timed_flights_14d,
        sum(elapsed_minutes) over last_14 as elapsed_minutes_14d,
        sum(landed_flights) over last_60 as landed_flights_60d,
        sum(late_flights) over last_60 as late_flights_60d,
        sum(timed_flights) over last_60 as timed_flights_60d,
        sum(elapsed_minutes) over last_60 as elapsed_minutes_60d
    from summed
    window
        -- a range of whole numbers costs a quarter less than one of intervals
        by_day as (partition by grain, member order by at_date - date '2000-01-01'),
        last_14 as (by_day range between 14 preceding and 1 preceding),
        last_21 as (by_day range between 21 preceding and 1 preceding),
        last_60 as (by_day range between 60 preceding and 1 preceding)

),

final as (

    select
        grain,
        member,
        at_date as cut_off_date,
        late_flights_21d::double precision / nullif(landed_flights_21d, 0) as late_share_21d,
        late_flights_60d::double precision / nullif(landed_flights_60d, 0) as late_share_60d,
        arrival_delay_minutes_21d::double precision / nullif(landed_flights_21d, 0) as arrival_delay_minutes_21d,
        elapsed_minutes_14d::double precision / nullif(timed_flights_14d, 0) as elapsed_minutes_14d,
        elapsed_minutes_60d::double precision / nullif(timed_flights_60d, 0) as elapsed_minutes_60d
    from accumulated
    where is_scored

)

select * from final
