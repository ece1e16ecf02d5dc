-- One document holds a station's observations of a UTC day; a value that does not cast takes the document along,
-- so that a day is never half there. So do two observations of one hour and one of another day: they could not be told
-- apart from another row's.
{%- set key = ['airport_id', 'observation_date'] %}
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
{%- set required = ['airport_id', 'observation_date', 'updated_at'] %}

with

source as (

    {{ frozen_documents('weather') }}

),

observations as (

    select
        source._batch_id,
        source._position,
        trim(source.document ->> 'date') as observation_date,
        nullif(trim(observation.value ->> 'observed_at'), '') as observed_at,
        {{ observation_fields() }}
    from source
    cross join lateral jsonb_array_elements(source.document -> 'observations') as observation (value)
    where jsonb_typeof(source.document -> 'observations') = 'array'
    offset 0

),

dated as (

    select
        *,
        case
            when {{ is_castable('observed_at', 'timestamptz') }}
                then to_char(observed_at::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24')
        end as observed_hour
    from observations

),

observation_reasons as (

    select
        _batch_id,
        _position,
        nullif(concat_ws(
            '; ',
            string_agg({{ uncastable_reason(types, ['observed_at']) }}, '; '),
            case
                when count(observed_hour) > count(distinct observed_hour)
                    then 'observed_at: two observations of one hour'
            end,
            case when bool_or(left(observed_hour, 10) <> observation_date) then 'observed_at: of another date' end
        ), '') as reason
    from dated
    group by _batch_id, _position

),

parsed as (

    select
        source._batch_id,
        source._position,
        source._fingerprint,
        {{ present_text("source.document #>> '{station,airport}'") }} as airport_id,
        nullif(trim(source.document ->> 'date'), '') as observation_date,
        nullif(trim(source.document ->> 'updated_at'), '') as updated_at,
        case
            when jsonb_typeof(source.document -> 'observations') = 'array' then source.document -> 'observations'
        end as observations,
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
        nullif(concat_ws(
            '; ',
            {{ uncastable_reason(document_types, required, ['airport_id']) }},
            case when observations is null then 'observations: is no array' end,
            observation_reason
        ), '') as uncastable_reason
    from parsed
    offset 0

),

renamed as (

    select
        {{ document_key(key, document_types) }} as document_key,
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
