-- One row per grain, member and local date of a cut-off: how late the airline's, the route's, the airport hour's or
-- the flight number's flights were on the 21 days before. An outcome counts on the New York date on which it became
-- known, and only dates before the cut-off's count: all of them are over by then.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

named as (

    select
        airline_id,
        origin_airport_id || '-' || destination_airport_id as route,
        origin_airport_id || '-' || scheduled_hour as airport_hour,
        airline_id || '-' || flight_number || '-' || origin_airport_id as numbered_flight,
        (arrived_at at time zone 'America/New_York')::date as known_date,
        cut_off_date,
        is_in_range,
        is_late::int as late_flights,
        least(arrival_delay_minutes, 240) as arrival_delay_minutes
    from cutoffs

),

outcomes as (

    select
        case
            when grouping(airline_id) = 0 then 'airline'
            when grouping(route) = 0 then 'route'
            when grouping(airport_hour) = 0 then 'airport_hour'
            else 'flight'
        end as grain,
        coalesce(airline_id, route, airport_hour, numbered_flight) as member,
        known_date as at_date,
        count(*)::int as landed_flights,
        sum(late_flights)::int as late_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        false as is_scored
    from named
    where known_date is not null
    group by known_date, grouping sets ((airline_id), (route), (airport_hour), (numbered_flight))

),

scored as (

    select
        case
            when grouping(airline_id) = 0 then 'airline'
            when grouping(route) = 0 then 'route'
            when grouping(airport_hour) = 0 then 'airport_hour'
            else 'flight'
        end as grain,
        coalesce(airline_id, route, airport_hour, numbered_flight) as member,
        cut_off_date as at_date,
        0 as landed_flights,
        0 as late_flights,
        0 as arrival_delay_minutes,
        true as is_scored
    from named
    where is_in_range
    group by cut_off_date, grouping sets ((airline_id), (route), (airport_hour), (numbered_flight))

),

unioned as (

    select * from outcomes
    union all
    select * from scored

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
        sum(landed_flights) over yesterday as landed_flights_yesterday,
        sum(late_flights) over yesterday as late_flights_yesterday
    from unioned
    window
        last_days as (
            partition by grain, member order by at_date
            range between interval '21 days' preceding and interval '1 day' preceding
        ),
        yesterday as (
            partition by grain, member order by at_date
            range between interval '1 day' preceding and interval '1 day' preceding
        )

),

final as (

    select
        grain,
        member,
        at_date as cut_off_date,
        late_flights::double precision / nullif(landed_flights, 0) as late_share_21d,
        arrival_delay_minutes::double precision / nullif(landed_flights, 0) as arrival_delay_minutes_21d,
        late_flights_yesterday::double precision / nullif(landed_flights_yesterday, 0) as late_share_yesterday
    from accumulated
    where is_scored

)

select * from final
