-- One row per flight whose features are made or whose outcome they look back at. What is asked of a flight is asked
-- at its cut-off; everything shared between flights is asked on a grid of five minutes, rounded to the safe side.

with

flights as (

    select * from {{ ref('fct_flights') }}

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
        flights.flight_number,
        flights.distance_miles,
        flights.departure_delay_minutes,
        flights.arrival_delay_minutes,
        flights.is_cancelled,
        flights.is_late,
        flights.scheduled_date between feature_range.first_date and feature_range.last_date as is_in_range,
        flights.scheduled_date,
        flights.scheduled_departure_at,
        flights.scheduled_arrival_at,
        flights.departed_at,
        -- an arrival without a delay is a diversion: where and when it landed is not this flight's arrival
        case when flights.arrival_delay_minutes is not null then flights.arrived_at end as arrived_at,
        flights.scheduled_departure_at at time zone 'America/New_York' as scheduled_departure_local,
        flights.scheduled_departure_at - interval '2 hours' as cut_off_at
    from flights
    inner join feature_range
        on flights.scheduled_date between feature_range.first_history_date and feature_range.last_date

),

final as (

    select
        *,
        extract(hour from scheduled_departure_local)::int as scheduled_hour,
        date_bin('5 minutes', cut_off_at, timestamptz '2000-01-01 00:00:00+00') as as_of_at,
        (cut_off_at at time zone 'America/New_York')::date as cut_off_date
    from cut_off

)

select * from final
