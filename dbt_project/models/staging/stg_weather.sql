-- waybill: sample
-- One document holds a station's observations of one UTC day. A value that does not cast makes the whole document
-- uncastable, so that a day is complete or not there at all. So do two different observations of one hour, and one of
-- another day: its row could not be distinguished from another document's row.
{%- set fields = {
    'airport_id': '/station/airport',
    'observation_date': '/date',
    'updated_at': '/updated_at',
} %}
{%- set types = {'observation_date': 'date', 'updated_at': 'timestamptz'} %}

with

source as (

    {{ run_documents('weather') }}

),

observations as (

    select
        source._batch_id,
        source._position,
        source.document ->> 'date' as observation_date,
        {{ observation_fields() }},
        {{ evaluated_once() }} as _parsed
    from source
    cross join lateral {{ child_documents("(source.document -> 'observations')") }} as observation

),

dated as (

    select
        *,
        case
            when {{ is_castable('observed_at', 'timestamptz') }}
                then to_char({{ cast_value('observed_at', 'timestamptz') }} at time zone 'UTC', 'YYYY-MM-DD HH24')
        end as observed_hour
    from observations

),

observation_reasons as (

    select
        _batch_id,
        _position,
        nullif(concat_ws(
            '; ',
            string_agg({{ uncastable_reason(
                observation_types(),
                required=['observed_at'],
                others=['/wind/speed_mph'],
            ) }}, '; '),
            {{ contradicting_children('observed_hour', 'observed_at: two observations of one hour') }},
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
        {{ field_texts('weather', fields, document='source.document') }},
        {{ is_withdrawn('weather', document='source.document') }} as is_withdrawn,
        case
            when jsonb_typeof(source.document -> 'observations') = 'array' then source.document -> 'observations'
        end as observations,
        {{ value_hash('source.document') }} as _value_hash,
        observation_reasons.reason as observation_reason,
        {{ evaluated_once() }} as _parsed
    from source
    left join observation_reasons
        on source._batch_id = observation_reasons._batch_id and source._position = observation_reasons._position

),

checked as (

    select
        *,
        nullif(concat_ws(
            '; ',
            {{ uncastable_reason(types, fields, 'weather', names=['airport_id']) }},
            case when observations is null then 'observations: is not an array' end,
            observation_reason
        ), '') as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('weather', fields, types) }} as document_key,
        {{ document_version('weather', fields, types) }},
        airport_id,
        observations,
        {{ cast_when_castable('observation_date', types['observation_date']) }} as observation_date,
        is_withdrawn,
        {{ cast_when_castable('updated_at', types['updated_at']) }} as updated_at,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
