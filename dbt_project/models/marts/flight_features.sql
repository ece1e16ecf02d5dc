-- waybill: sample
-- One row per flight: what is known two hours before its scheduled departure, and nothing later. A run rebuilds the flights
-- in the range of int_flight_feature_range, and records the batches of that range as processed.
{{ config(pre_hook="{{ process_new_batches(['int_flight_feature_range']) }}") }}
{{ refuse_partial_rebuild('features') }}
{%- set lookups = [
    ('departures', ref('int_departures_as_of'), 'quarter_at', {
        'network': "'all'",
        'airport': "cutoffs.origin_airport_id",
        'airline': joined_key(['cutoffs.airline_id', 'cutoffs.origin_airport_id']),
    }),
    ('landings', ref('int_landings_as_of'), 'hour_at', {
        'destination': "cutoffs.destination_airport_id",
        'region': "cutoffs.destination_region",
        'airline_region': "cutoffs.airline_id || '-' || cutoffs.destination_region",
        'sector': "cutoffs.destination_sector::text",
    }),
    ('days', ref('int_landings_trailing'), 'cut_off_date', {
        'airline': "cutoffs.airline_id",
        'airline_route': joined_key(['cutoffs.airline_id', 'cutoffs.origin_airport_id', 'cutoffs.destination_airport_id']),
        'airport_hour': "cutoffs.origin_airport_id || '-' || cutoffs.scheduled_hour",
        'airline_hour': joined_key(['cutoffs.airline_id', 'cutoffs.origin_airport_id', 'cutoffs.scheduled_hour::text']),
        'numbered_flight': joined_key(['cutoffs.airline_id', 'cutoffs.flight_number::text', 'cutoffs.origin_airport_id']),
    }),
] %}

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }} where is_in_range

),

schedules as (

    select * from {{ ref('int_schedules_counted') }}

),

schedules_ahead as (

    select * from {{ ref('int_schedules_ahead') }}

),

weather as (

    select * from {{ ref('int_weather_as_of') }}

),

route_times as (

    select * from {{ ref('int_route_times') }}

),

numbered_flights_before as (

    select * from {{ ref('int_numbered_flights_before') }}

),

rotations as (

    select * from {{ ref('int_flight_rotations') }}

),
{%- for table, model, moment, members in lookups %}
{%- for grain in members %}

{{ grain }}_{{ table }} as (

    select * from {{ model }} where grain = '{{ grain }}'

),
{%- endfor %}
{%- endfor %}

final as (

    select
        cutoffs.flight_id,
        cutoffs.airline_id,
        cutoffs.origin_airport_id,
        cutoffs.destination_airport_id,
        extract(isodow from cutoffs.scheduled_date)::int as day_of_week,
        (extract(epoch from cutoffs.scheduled_departure_local::time) / 60)::int as scheduled_minute_of_day,
        cutoffs.distance_miles,
        cutoffs.scheduled_duration_minutes,
        cutoffs.scheduled_duration_minutes - route_times.air_time_minutes_21d as schedule_padding_minutes,
        cutoffs.scheduled_duration_minutes - airline_route_days.elapsed_minutes_60d as airline_route_padding_minutes_60d,
        cutoffs.scheduled_duration_minutes - numbered_flight_days.elapsed_minutes_14d
            as numbered_flight_padding_minutes_14d,
        schedules.airport_flights_in_hour,
        airport_departures.overdue_flights + schedules_ahead.airport_flights_ahead as airport_queue_flights,
        weather.wind_speed_mph,
        weather.wind_direction_degrees,
        weather.precipitation_inches,
        weather.pressure_change_millibars,
        weather.visibility_miles_6h,
        airport_departures.departure_delay_minutes_3h as airport_departure_delay_minutes_3h,
        airport_departures.cancelled_flights_3h as airport_cancelled_flights_3h,
        airport_departures.overdue_flights as airport_overdue_flights,
        network_departures.departure_delay_minutes_3h as network_departure_delay_minutes_3h,
        network_departures.overdue_flights as network_overdue_flights,
        airline_departures.departure_delay_minutes_3h as airline_departure_delay_minutes_3h,
        airline_departures.overdue_flights as airline_overdue_flights,
        destination_landings.enroute_loss_minutes_3h as destination_enroute_loss_minutes_3h,
        destination_landings.enroute_loss_minutes_24h as destination_enroute_loss_minutes_24h,
        destination_landings.air_time_excess_minutes_3h as destination_air_time_excess_minutes_3h,
        destination_landings.air_time_excess_minutes_24h as destination_air_time_excess_minutes_24h,
        destination_landings.speed_excess_mph_6h as destination_speed_excess_mph_6h,
        sector_landings.speed_excess_mph_6h as sector_speed_excess_mph_6h,
        region_landings.enroute_loss_minutes_3h as region_enroute_loss_minutes_3h,
        region_landings.air_time_excess_minutes_24h as region_air_time_excess_minutes_24h,
        airline_region_landings.arrival_delay_minutes_24h as airline_region_arrival_delay_minutes_24h,
        rotations.rotation_minutes,
        rotations.rotation_slack_minutes,
        rotations.previous_arrival_delay_minutes,
        rotations.previous_enroute_loss_minutes,
        rotations.inbound_delay_minutes,
        rotations.scheduled_ground_minutes,
        rotations.expected_ground_minutes,
        airline_days.late_share_21d as airline_late_share_21d,
        airline_route_days.late_share_21d as airline_route_late_share_21d,
        airport_hour_days.late_share_21d as airport_hour_late_share_21d,
        airline_hour_days.late_share_60d as airline_hour_late_share_60d,
        numbered_flights_before.numbered_flight_last_arrival_delay_minutes,
        numbered_flight_days.late_share_21d as numbered_flight_late_share_21d,
        numbered_flight_days.late_share_60d as numbered_flight_late_share_60d,
        numbered_flight_days.arrival_delay_minutes_21d as numbered_flight_arrival_delay_minutes_21d,
        cutoffs.is_late,
        cutoffs.scheduled_date,
        cutoffs.scheduled_departure_at,
        cutoffs._batch_id
    from cutoffs
    left join schedules
        on cutoffs.origin_airport_id = schedules.origin_airport_id
        and cutoffs.scheduled_date = schedules.scheduled_date
        and cutoffs.scheduled_hour = schedules.scheduled_hour
    left join schedules_ahead
        on cutoffs.origin_airport_id = schedules_ahead.origin_airport_id
        and cutoffs.scheduled_departure_at = schedules_ahead.scheduled_departure_at
    left join weather on cutoffs.origin_airport_id = weather.airport_id and cutoffs.hour_at = weather.hour_at
    left join route_times on cutoffs.route = route_times.route and cutoffs.cut_off_date = route_times.cut_off_date
    left join rotations on cutoffs.flight_id = rotations.flight_id
    left join numbered_flights_before on cutoffs.flight_id = numbered_flights_before.flight_id
    {%- for table, model, moment, members in lookups %}
    {%- for grain, member in members.items() %}
    left join {{ grain }}_{{ table }}
        on {{ member }} = {{ grain }}_{{ table }}.member
        and cutoffs.{{ moment }} = {{ grain }}_{{ table }}.{{ moment }}
    {%- endfor %}
    {%- endfor %}

)

select * from final
