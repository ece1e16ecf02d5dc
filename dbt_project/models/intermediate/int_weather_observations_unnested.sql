-- One row per observation of the current documents: the array taken apart, every value cast (the documents with a value
-- that does not are outcomes of their own).

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
        trim(observation.value ->> 'observed_at') as observed_at,
        {{ observation_fields() }}
    from documents
    cross join lateral jsonb_array_elements(documents.observations) as observation (value)
    where documents.outcome = 'current'
    offset 0

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
