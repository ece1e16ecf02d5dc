select
    'airlines' as source,
    _batch_id,
    _position,
    _fingerprint,
    document_key,
    updated_at as version_at,
    outcome,
    outcome_reason as reason,
    surviving_batch_id,
    surviving_position
from {{ ref('int_airlines_deduplicated') }}

union all

select
    'airports' as source,
    _batch_id,
    _position,
    _fingerprint,
    document_key,
    updated_at as version_at,
    outcome,
    outcome_reason as reason,
    surviving_batch_id,
    surviving_position
from {{ ref('int_airports_deduplicated') }}

union all

select
    'aircraft' as source,
    _batch_id,
    _position,
    _fingerprint,
    document_key,
    updated_at as version_at,
    outcome,
    outcome_reason as reason,
    surviving_batch_id,
    surviving_position
from {{ ref('int_aircraft_deduplicated') }}

union all

select
    'flights' as source,
    _batch_id,
    _position,
    _fingerprint,
    document_key,
    updated_at as version_at,
    outcome,
    outcome_reason as reason,
    surviving_batch_id,
    surviving_position
from {{ ref('int_flights_deduplicated') }}

union all

select
    'weather' as source,
    _batch_id,
    _position,
    _fingerprint,
    document_key,
    updated_at as version_at,
    outcome,
    outcome_reason as reason,
    surviving_batch_id,
    surviving_position
from {{ ref('int_weather_deduplicated') }}
