-- One row per grain, member and local date of a cut-off: how the flights of an airline, of an airline on a route, of an
-- airport in an hour, and of a flight number performed on the 21 days before. A landing counts on the New York date on which
-- it became known, and only dates before the cut-off's count, because they are complete.
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
        {{ joined_key(['airline_id', 'flight_number::text', 'origin_airport_id']) }} as numbered_flight,
        is_in_range,
        cut_off_date,
        (arrived_at at time zone 'America/New_York')::date as known_date,
        is_late::int as late_flights,
        least(arrival_delay_minutes, 240) as arrival_delay_minutes,
        enroute_loss_minutes
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
            else 'numbered_flight'
        end as grain,
        coalesce(airline_id, airline_route, airport_hour, numbered_flight) as member,
        at_date,
        count(late_flights)::int as landed_flights,
        sum(late_flights)::int as late_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        count(enroute_loss_minutes)::int as flown_flights,
        sum(enroute_loss_minutes)::int as enroute_loss_minutes,
        bool_or(is_scored) as is_scored
    from moments
    group by
        at_date, grouping sets ((airline_id), (airline_route), (airport_hour), (numbered_flight))

),

accumulated as (

    select
        grain,
        member,
        at_date,
        is_scored,
        sum(landed_flights) over last_days as landed_flights,
        sum(late_flights) over last_days as late_flights,
        sum(arrival_delay_minutes) over last_days as arrival_delay_minutes,
        sum(flown_flights) over last_days as flown_flights,
        sum(enroute_loss_minutes) over last_days as enroute_loss_minutes
    from summed
    window
        last_days as (
            partition by grain, member order by at_date
            range between interval '21 days' preceding and interval '1 day' preceding
        )

),

final as (

    select
        grain,
        member,
        at_date as cut_off_date,
        late_flights::double precision / nullif(landed_flights, 0) as late_share_21d,
        arrival_delay_minutes::double precision / nullif(landed_flights, 0) as arrival_delay_minutes_21d,
        enroute_loss_minutes::double precision / nullif(flown_flights, 0) as enroute_loss_minutes_21d
    from accumulated
    where is_scored

)

select * from final
