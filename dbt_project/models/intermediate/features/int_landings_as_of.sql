-- waybill: sample
-- One row per grain, member and full hour at which a flight of the member is scored: what landed flights show by then. The
-- flights are those to one destination, to its time zone (region), of one airline to that time zone, or to one eighth of the
-- compass (sector): neighbouring destinations share queues on the ground, holding and wind.
{{ config(post_hook="{{ analyze_lookup(['member', 'hour_at']) }}") }}

with

landed as (

    select * from {{ ref('int_flights_landed') }}

),

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

moments as (

    select
        destination_airport_id,
        destination_region,
        airline_id || '-' || destination_region as airline_region,
        destination_sector::text as sector,
        known_at as hour_at,
        arrival_delay_minutes,
        enroute_loss_minutes,
        air_time_excess_minutes,
        speed_excess_mph,
        false as is_scored
    from landed
    where known_at >= (select min(hour_at) - interval '23 hours' from cutoffs where is_in_range)
    union all
    select
        destination_airport_id,
        destination_region,
        airline_id || '-' || destination_region,
        destination_sector::text,
        hour_at,
        null,
        null,
        null,
        null,
        true
    from cutoffs
    where is_in_range

),

summed as (

    select
        case
            when grouping(destination_airport_id) = 0 then 'destination'
            when grouping(destination_region) = 0 then 'region'
            when grouping(airline_region) = 0 then 'airline_region'
            else 'sector'
        end as grain,
        coalesce(destination_airport_id, destination_region, airline_region, sector) as member,
        hour_at,
        count(arrival_delay_minutes)::int as landed_flights,
        sum(arrival_delay_minutes)::int as arrival_delay_minutes,
        count(enroute_loss_minutes)::int as flown_flights,
        sum(enroute_loss_minutes)::int as enroute_loss_minutes,
        count(air_time_excess_minutes)::int as timed_flights,
        sum(air_time_excess_minutes)::int as air_time_excess_minutes,
        sum(speed_excess_mph)::int as speed_excess_mph,
        bool_or(is_scored) as is_scored
    from moments
    group by
        hour_at,
        grouping sets ((destination_airport_id), (destination_region), (airline_region), (sector))

),

accumulated as (

    select
        grain,
        member,
        hour_at,
        is_scored,
        sum(flown_flights) over last_hours as flown_flights_3h,
        sum(enroute_loss_minutes) over last_hours as enroute_loss_minutes_3h,
        sum(timed_flights) over last_hours as timed_flights_3h,
        sum(air_time_excess_minutes) over last_hours as air_time_excess_minutes_3h,
        sum(timed_flights) over last_six_hours as timed_flights_6h,
        sum(speed_excess_mph) over last_six_hours as speed_excess_mph_6h,
        sum(landed_flights) over last_day as landed_flights_24h,
        sum(arrival_delay_minutes) over last_day as arrival_delay_minutes_24h,
        sum(flown_flights) over last_day as flown_flights_24h,
        sum(enroute_loss_minutes) over last_day as enroute_loss_minutes_24h,
        sum(timed_flights) over last_day as timed_flights_24h,
        sum(air_time_excess_minutes) over last_day as air_time_excess_minutes_24h
    from summed
    where member is not null
    window
        so_far as (partition by grain, member order by hour_at),
        last_hours as (so_far range between interval '2 hours' preceding and current row),
        last_six_hours as (so_far range between interval '5 hours' preceding and current row),
        last_day as (so_far range between interval '23 hours' preceding and current row)

),

final as (

    select
        grain,
        member,
        hour_at,
        arrival_delay_minutes_24h::double precision / nullif(landed_flights_24h, 0) as arrival_delay_minutes_24h,
        speed_excess_mph_6h::double precision / nullif(timed_flights_6h, 0) as speed_excess_mph_6h,
        enroute_loss_minutes_3h::double precision / nullif(flown_flights_3h, 0) as enroute_loss_minutes_3h,
        enroute_loss_minutes_24h::double precision / nullif(flown_flights_24h, 0) as enroute_loss_minutes_24h,
        air_time_excess_minutes_3h::double precision / nullif(timed_flights_3h, 0) as air_time_excess_minutes_3h,
        air_time_excess_minutes_24h::double precision / nullif(timed_flights_24h, 0) as air_time_excess_minutes_24h
    from accumulated
    where is_scored

)

select * from final
