-- waybill: sample
-- One row per airport and full hour: the last complete weather observation. The observation of hour H holds the worst values
-- of that hour, some reported at H:51, so it is complete at H + 1 h. Some hours are missing: an observation is used for six
-- hours, after which there is no weather. Values that no instrument can show are removed before anything is calculated.

with

feature_range as (

    select * from {{ ref('int_flight_feature_range') }}

),

-- a local date begins at most 14 hours before that of UTC
observations as (

    select observations.*
    from {{ ref('fct_weather_observations') }} as observations
    inner join feature_range on observations.observed_at >= (feature_range.first_date - 2)::timestamp at time zone 'UTC'

),

-- an observation is used at each of the six full hours after it was made
repeated as (

    select
        observations.airport_id,
        date_trunc('hour', observations.observed_at) + hours.age * interval '1 hour' as hour_at,
        hours.age,
        observations.wind_speed_mph,
        observations.wind_direction_degrees,
        observations.precipitation_inches,
        case
            when observations.pressure_millibars between 850 and 1100 then observations.pressure_millibars
        end as pressure_millibars,
        observations.visibility_miles
    from observations
    cross join generate_series(1, 6) as hours (age)

),

ranked as (

    select
        *,
        min(visibility_miles) over since as visibility_miles_6h,
        pressure_millibars - first_value(pressure_millibars) over since as pressure_change_millibars,
        row_number() over (partition by airport_id, hour_at order by age) as recency
    from repeated
    window since as (partition by airport_id, hour_at order by age desc)

),

final as (

    select
        airport_id,
        hour_at,
        wind_speed_mph,
        wind_direction_degrees,
        precipitation_inches,
        pressure_change_millibars,
        visibility_miles_6h
    from ranked
    where recency = 1

)

select * from final
