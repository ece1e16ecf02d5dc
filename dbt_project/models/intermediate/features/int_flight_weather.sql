-- One row per flight to be scored: the last observation at its origin that is complete at the cut-off, and the change
-- in the three hours before it. A row at hour H holds the worst of its hour, so it is complete at H + 1 h. One older
-- than six hours is no weather: hours are missing, and it stays null.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

observations as (

    select * from {{ ref('fct_weather_observations') }}

),

marks as (

    select distinct
        origin_airport_id as airport_id,
        date_trunc('hour', cut_off_at) - interval '1 hour' as last_observable_at
    from cutoffs
    where is_in_range

),

ranked as (

    select
        marks.airport_id,
        marks.last_observable_at,
        observations.temperature_fahrenheit,
        observations.temperature_fahrenheit - observations.dew_point_fahrenheit as dew_point_spread_fahrenheit,
        observations.wind_speed_mph,
        observations.wind_gust_mph,
        observations.wind_direction_degrees,
        observations.precipitation_inches,
        observations.pressure_millibars,
        observations.visibility_miles,
        sum(observations.precipitation_inches) over before as precipitation_inches_6h,
        min(observations.visibility_miles) over before as visibility_miles_6h,
        observations.pressure_millibars - first_value(observations.pressure_millibars) over before
            as pressure_change_millibars,
        row_number() over (
            partition by marks.airport_id, marks.last_observable_at order by observations.observed_at desc
        ) as recency
    from marks
    inner join observations
        on
            marks.airport_id = observations.airport_id
            and observations.observed_at between marks.last_observable_at - interval '5 hours'
            and marks.last_observable_at
    window
        before as (
            partition by marks.airport_id, marks.last_observable_at
            order by observations.observed_at
        )

),

final as (

    select
        cutoffs.flight_id,
        ranked.temperature_fahrenheit,
        ranked.dew_point_spread_fahrenheit,
        ranked.wind_speed_mph,
        ranked.wind_gust_mph,
        ranked.wind_direction_degrees,
        ranked.precipitation_inches,
        ranked.precipitation_inches_6h,
        ranked.pressure_millibars,
        ranked.pressure_change_millibars,
        ranked.visibility_miles,
        ranked.visibility_miles_6h
    from cutoffs
    inner join ranked
        on
            cutoffs.origin_airport_id = ranked.airport_id
            and date_trunc('hour', cutoffs.cut_off_at) - interval '1 hour' = ranked.last_observable_at
            and ranked.recency = 1
    where cutoffs.is_in_range

)

select * from final
