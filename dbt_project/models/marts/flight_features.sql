-- One row per flight: what is known two hours before its scheduled departure, and nothing later. A run makes those of the
-- range that int_flight_feature_range found, and takes in the batches that made it.
{{ config(pre_hook="{{ claim_batches(['int_flight_feature_range']) }}") }}
{{ refuse_partial_rebuild('features') }}

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }} where is_in_range

),

schedules as (

    select * from {{ ref('int_schedules_counted') }}

),

weather as (

    select * from {{ ref('int_flight_weather') }}

),

airports as (

    select * from {{ ref('int_airports_as_of') }}

),

network as (

    select * from {{ ref('int_network_as_of') }}

),

airlines as (

    select * from {{ ref('int_airlines_as_of') }}

),

destinations as (

    select * from {{ ref('int_destinations_as_of') }}

),

rotations as (

    select * from {{ ref('int_flight_rotations') }}

),

late_rates as (

    select * from {{ ref('int_late_rates_trailing') }}

),

final as (

    select
        cutoffs.flight_id,
        cutoffs.airline_id,
        cutoffs.origin_airport_id,
        cutoffs.destination_airport_id,
        cutoffs.scheduled_hour,
        extract(isodow from cutoffs.scheduled_date)::int as day_of_week,
        (extract(epoch from cutoffs.scheduled_departure_local::time) / 60)::int as scheduled_minute_of_day,
        (extract(epoch from cutoffs.scheduled_arrival_at - cutoffs.scheduled_departure_at) / 60)::int
            as scheduled_duration_minutes,
        cutoffs.distance_miles,
        schedules.airline_flights_in_hour,
        schedules.airport_flights_in_hour,
        schedules.airport_flights_until_hour,
        weather.temperature_fahrenheit,
        weather.dew_point_spread_fahrenheit,
        weather.wind_speed_mph,
        weather.wind_gust_mph,
        weather.wind_direction_degrees,
        weather.precipitation_inches,
        weather.precipitation_inches_6h,
        weather.pressure_millibars,
        weather.pressure_change_millibars,
        weather.visibility_miles,
        weather.visibility_miles_6h,
        airports.departure_delay_minutes_1h as airport_departure_delay_minutes_1h,
        airports.departure_delay_minutes_3h as airport_departure_delay_minutes_3h,
        airports.arrival_delay_minutes_3h as airport_arrival_delay_minutes_3h,
        airports.late_share_3h as airport_late_share_3h,
        airports.cancelled_flights_3h as airport_cancelled_flights_3h,
        airports.overdue_flights as airport_overdue_flights,
        airports.overdue_minutes as airport_overdue_minutes,
        network.departure_delay_minutes_2h as network_departure_delay_minutes_2h,
        network.arrival_delay_minutes_2h as network_arrival_delay_minutes_2h,
        network.late_share_2h as network_late_share_2h,
        network.cancelled_flights_12h as network_cancelled_flights_12h,
        network.overdue_flights as network_overdue_flights,
        airlines.departure_delay_minutes_4h as airline_departure_delay_minutes_4h,
        airlines.arrival_delay_minutes_4h as airline_arrival_delay_minutes_4h,
        airlines.cancelled_flights_4h as airline_cancelled_flights_4h,
        airlines.overdue_flights as airline_overdue_flights,
        destinations.departure_delay_minutes_4h as destination_departure_delay_minutes_4h,
        destinations.arrival_delay_minutes_4h as destination_arrival_delay_minutes_4h,
        destinations.overdue_flights as destination_overdue_flights,
        rotations.aircraft_legs_18h,
        rotations.rotation_minutes,
        rotations.rotation_slack_minutes,
        rotations.previous_arrival_delay_minutes,
        rotations.previous_departure_delay_minutes,
        rotations.second_departure_delay_minutes,
        rotations.is_previous_cancelled::int as is_previous_cancelled,
        rotations.inbound_delay_minutes,
        airline_rates.late_share_21d as airline_late_share_21d,
        airline_rates.late_share_yesterday as airline_late_share_yesterday,
        route_rates.late_share_21d as route_late_share_21d,
        hour_rates.late_share_21d as airport_hour_late_share_21d,
        flight_rates.late_share_21d as numbered_flight_late_share_21d,
        flight_rates.arrival_delay_minutes_21d as numbered_flight_arrival_delay_minutes_21d,
        cutoffs.is_late,
        cutoffs.scheduled_date,
        cutoffs.scheduled_departure_at
    from cutoffs
    left join schedules
        on cutoffs.origin_airport_id = schedules.origin_airport_id
        and cutoffs.airline_id = schedules.airline_id
        and cutoffs.scheduled_date = schedules.scheduled_date
        and cutoffs.scheduled_hour = schedules.scheduled_hour
    left join weather on cutoffs.flight_id = weather.flight_id
    left join airports
        on cutoffs.origin_airport_id = airports.origin_airport_id and cutoffs.as_of_at = airports.as_of_at
    left join network on cutoffs.as_of_at = network.as_of_at
    left join airlines
        on cutoffs.airline_id = airlines.airline_id
        and cutoffs.origin_airport_id = airlines.origin_airport_id
        and cutoffs.as_of_at = airlines.as_of_at
    left join destinations
        on cutoffs.destination_airport_id = destinations.destination_airport_id
        and cutoffs.as_of_at = destinations.as_of_at
    left join rotations on cutoffs.flight_id = rotations.flight_id
    left join late_rates as airline_rates
        on airline_rates.grain = 'airline'
        and cutoffs.airline_id = airline_rates.member
        and cutoffs.cut_off_date = airline_rates.cut_off_date
    left join late_rates as route_rates
        on route_rates.grain = 'route'
        and cutoffs.origin_airport_id || '-' || cutoffs.destination_airport_id = route_rates.member
        and cutoffs.cut_off_date = route_rates.cut_off_date
    left join late_rates as hour_rates
        on hour_rates.grain = 'airport_hour'
        and cutoffs.origin_airport_id || '-' || cutoffs.scheduled_hour = hour_rates.member
        and cutoffs.cut_off_date = hour_rates.cut_off_date
    left join late_rates as flight_rates
        on flight_rates.grain = 'flight'
        and cutoffs.airline_id || '-' || cutoffs.flight_number || '-' || cutoffs.origin_airport_id = flight_rates.member
        and cutoffs.cut_off_date = flight_rates.cut_off_date

)

select final.* from final
{{ changed_rows_only('flight_id') }}
