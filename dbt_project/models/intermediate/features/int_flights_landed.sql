-- waybill: sample
-- One row per flight that has landed: what it shows about the way, known from the full hour after its arrival. Its air time
-- is compared with the route's mean of the 21 days before, so that it shows the day's wind and detours.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

air_times as (

    select * from {{ ref('int_route_times') }}

),

final as (

    select
        cutoffs.flight_id,
        cutoffs.airline_id,
        cutoffs.destination_airport_id,
        cutoffs.destination_region,
        cutoffs.destination_sector,
        least(cutoffs.arrival_delay_minutes, 240) as arrival_delay_minutes,
        cutoffs.enroute_loss_minutes,
        round(cutoffs.air_time_minutes - air_times.air_time_minutes_21d)::int as air_time_excess_minutes,
        round(
            60 * cutoffs.distance_miles * (1 / cutoffs.air_time_minutes::double precision - 1 / air_times.air_time_minutes_21d)
        )::int as speed_excess_mph,
        date_trunc('hour', cutoffs.arrived_at) + interval '1 hour' as known_at
    from cutoffs
    left join air_times
        on cutoffs.route = air_times.route and cutoffs.cut_off_date = air_times.cut_off_date
    where cutoffs.arrived_at is not null

)

select * from final
