-- One document holds a station's observations of a UTC day; a value that does not cast takes the document along,
-- so that a day is never half there.
{%- set types = {
    'observed_at': 'timestamptz',
    'temperature_fahrenheit': 'double precision',
    'dew_point_fahrenheit': 'double precision',
    'relative_humidity_percent': 'double precision',
    'wind_direction_degrees': 'integer',
    'wind_speed_mph': 'double precision',
    'wind_gust_mph': 'double precision',
    'precipitation_inches': 'double precision',
    'pressure_millibars': 'double precision',
    'visibility_miles': 'double precision',
} %}
{%- set document_types = {'observation_date': 'date', 'updated_at': 'timestamptz'} %}

with

source as (

    {{ frozen_documents('weather') }}

),

observations as (

    select
        source._batch_id,
        source._position,
        trim(observation.value ->> 'observed_at') as observed_at,
        {{ observation_fields() }}
    from source
    cross join lateral jsonb_array_elements(source.document -> 'observations') as observation (value)
    offset 0

),

observation_reasons as (

    select
        _batch_id,
        _position,
        string_agg({{ uncastable_reason(types) }}, '; ') as reason
    from observations
    group by _batch_id, _position

),

parsed as (

    select
        source._batch_id,
        source._position,
        source._fingerprint,
        nullif(trim(source.document #>> '{station,airport}'), '') as airport_id,
        trim(source.document ->> 'date') as observation_date,
        trim(source.document ->> 'updated_at') as updated_at,
        source.document -> 'observations' as observations,
        jsonb_hash_extended(source.document, 0) as _value_hash,
        observation_reasons.reason as observation_reason
    from source
    left join observation_reasons
        on source._batch_id = observation_reasons._batch_id and source._position = observation_reasons._position
    offset 0

),

checked as (

    select
        *,
        concat_ws('-', airport_id, observation_date) as document_key,
        nullif(concat_ws('; ', {{ uncastable_reason(document_types) }}, observation_reason), '') as uncastable_reason
    from parsed
    offset 0

),

renamed as (

    select
        document_key,
        airport_id,
        observations,
        {{ cast_when_castable('observation_date', 'date') }} as observation_date,
        false as is_withdrawn,
        {{ cast_when_castable('updated_at', 'timestamptz') }} as updated_at,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
