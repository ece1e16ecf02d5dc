-- waybill: sample
-- One row per route and local date of a cut-off: how long the route's flights were in the air that landed on the 21 days
-- before. The air time of a flight and its schedule are compared with this mean.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

moments as (

    select
        route,
        (arrived_at at time zone 'America/New_York')::date as at_date,
        air_time_minutes,
        false as is_needed
    from cutoffs
    where air_time_minutes is not null
    union all
    select distinct
        route,
        cut_off_date,
        null::int,
        true
    from cutoffs

),

summed as (

    select
        route,
        at_date,
        count(air_time_minutes)::int as timed_flights,
        sum(air_time_minutes)::int as air_time_minutes,
        bool_or(is_needed) as is_needed
    from moments
    group by route, at_date

),

accumulated as (

    select
        route,
        at_date as cut_off_date,
        is_needed,
        sum(air_time_minutes) over last_21 / nullif(sum(timed_flights) over last_21, 0)::double precision
            as air_time_minutes_21d
    from summed
    window
        last_21 as (
            partition by route order by at_date
            range between interval '21 days' preceding and interval '1 day' preceding
        )

),

final as (

    select
        route,
        cut_off_date,
        air_time_minutes_21d
    from accumulated
    where is_needed

)

select * from final
