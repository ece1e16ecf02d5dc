-- waybill: sample
-- One row per flight whose features are built or that these features look back at, with its cut-off. Delays are limited: a
-- delay of more than two days, or more than two hours early, is a wrong date and counts as unknown (the sample's longest is
-- 22 hours). So the range that features look back at is finite, and no sum overflows.

with

flights as (

    select * from {{ ref('fct_flights') }}

),

airports as (

    select * from {{ ref('dim_airports') }}

),

feature_range as (

    select * from {{ ref('int_flight_feature_range') }}

),

cut_off as (

    select
        flights.flight_id,
        flights.airline_id,
        flights.aircraft_id,
        flights.origin_airport_id,
        flights.destination_airport_id,
        destinations.time_zone as destination_region,
        {{ route_bearing('origins', 'destinations') }} as bearing_degrees,
        flights.flight_number,
        flights.distance_miles,
        flights.is_cancelled,
        flights.is_late,
        flights.scheduled_date between feature_range.first_date and feature_range.last_date as is_in_range,
        coalesce(flights.departure_delay_minutes between -120 and 2880, false) as has_departed,
        -- an arrival without a delay is a diversion: it is not an arrival at this flight's destination
        coalesce(flights.arrival_delay_minutes between -120 and 2880, false) as has_landed,
        flights.departure_delay_minutes,
        flights.arrival_delay_minutes,
        flights.air_time_minutes,
        flights.departed_at,
        flights.arrived_at,
        flights.scheduled_date,
        flights.scheduled_departure_at,
        flights.scheduled_arrival_at,
        flights.scheduled_departure_at at time zone 'America/New_York' as scheduled_departure_local,
        flights.scheduled_departure_at - interval '2 hours' as cut_off_at,
        flights._batch_id
    from flights
    inner join feature_range
        on flights.scheduled_date between feature_range.first_history_date and feature_range.last_date
    left join airports as origins on flights.origin_airport_id = origins.airport_id
    left join airports as destinations on flights.destination_airport_id = destinations.airport_id

),

final as (

    select
        flight_id,
        airline_id,
        aircraft_id,
        origin_airport_id,
        destination_airport_id,
        destination_region,
        {{ joined_key(['origin_airport_id', 'destination_airport_id']) }} as route,
        flight_number,
        distance_miles,
        extract(epoch from scheduled_arrival_at - scheduled_departure_at)::int / 60 as scheduled_duration_minutes,
        case when has_departed then departure_delay_minutes end as departure_delay_minutes,
        case when has_landed then arrival_delay_minutes end as arrival_delay_minutes,
        case
            when has_departed and has_landed
                then least(greatest(arrival_delay_minutes - departure_delay_minutes, -60), 240)
        end as enroute_loss_minutes,
        case when has_landed and air_time_minutes between 1 and 1440 then air_time_minutes end as air_time_minutes,
        case
            when has_departed and has_landed and arrived_at - departed_at between interval '1 minute' and interval '1 day'
                then extract(epoch from arrived_at - departed_at)::int / 60
        end as elapsed_minutes,
        floor((bearing_degrees + 180) / 45)::int % 8 as destination_sector,
        extract(hour from scheduled_departure_local)::int as scheduled_hour,
        is_cancelled,
        is_late,
        is_in_range,
        scheduled_date,
        (cut_off_at at time zone 'America/New_York')::date as cut_off_date,
        scheduled_departure_local,
        scheduled_departure_at,
        scheduled_arrival_at,
        case when has_departed then departed_at end as departed_at,
        case when has_landed then arrived_at end as arrived_at,
        cut_off_at,
        date_bin('15 minutes', cut_off_at, timestamptz '2000-01-01 00:00:00+00') as quarter_at,
        date_trunc('hour', cut_off_at) as hour_at,
        _batch_id
    from cut_off

)

select * from final
