-- waybill: sample
-- depends_on: {{ ref('dim_airports') }}
-- One row per airport and UTC hour. Seen in the data: a wind speed of 1,048 mph, once. The strongest gust ever measured is
-- 253 mph (WMO), so a higher speed is not a measurement: the row is flagged and the speed is null.
{{ config(
    pre_hook="{{ process_new_batches(['int_weather_deduplicated']) }}",
    post_hook=["{{ delete_rows_not_current(ref('int_weather_deduplicated')) }}", "analyze {{ this }}"],
) }}
{%- set strongest_wind_mph = 253 %}

with

observations as (

    select * from {{ ref('int_weather_observations_unnested') }}

),

documents as (

    select * from {{ ref('int_weather_deduplicated') }}

),

touched as (

    select distinct _batch_id, _position
    from documents
    where outcome = 'current'
    {%- if is_incremental() %}
    and document_key in (select document_key from documents where _batch_id in {{ new_batches() }})
    {%- endif %}

),

final as (

    select
        observations.airport_id || '-' || to_char(observations.observed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24')
            as weather_observation_id,
        observations.airport_id,
        observations.temperature_fahrenheit,
        observations.dew_point_fahrenheit,
        observations.relative_humidity_percent,
        case when observations.wind_speed_mph <= {{ strongest_wind_mph }} then observations.wind_speed_mph end
            as wind_speed_mph,
        observations.wind_gust_mph,
        observations.precipitation_inches,
        observations.pressure_millibars,
        observations.visibility_miles,
        observations.wind_direction_degrees,
        coalesce(observations.wind_speed_mph > {{ strongest_wind_mph }}, false) as is_wind_speed_implausible,
        observations.observed_at,
        observations.updated_at,
        observations._batch_id,
        observations._position
    from observations
    inner join touched
        on observations._batch_id = touched._batch_id and observations._position = touched._position

)

select * from final
