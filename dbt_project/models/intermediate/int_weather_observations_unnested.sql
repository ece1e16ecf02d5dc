-- One row per observation of the current documents: the array unnested and every value cast. Documents with a value that
-- does not cast are uncastable, so they are not here.

with

documents as (

    select * from {{ ref('int_weather_deduplicated') }}

),

observations as (

    select
        documents.airport_id,
        documents.updated_at,
        documents._batch_id,
        documents._position,
        {{ observation_fields() }},
        {{ evaluated_once() }} as _parsed
    from documents
    cross join lateral jsonb_array_elements(documents.observations) as observation (value)
    where documents.outcome = 'current'

),

typed as (

    select
        airport_id,
        observed_at::timestamptz as observed_at,
        temperature_fahrenheit::double precision as temperature_fahrenheit,
        dew_point_fahrenheit::double precision as dew_point_fahrenheit,
        relative_humidity_percent::double precision as relative_humidity_percent,
        {{ cast_value('wind_direction_degrees', 'integer') }} as wind_direction_degrees,
        wind_speed_mph::double precision as wind_speed_mph,
        wind_gust_mph::double precision as wind_gust_mph,
        precipitation_inches::double precision as precipitation_inches,
        pressure_millibars::double precision as pressure_millibars,
        visibility_miles::double precision as visibility_miles,
        updated_at,
        _batch_id,
        _position
    from observations

)

select * from typed
