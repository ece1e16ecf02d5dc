-- waybill: sample
-- Seen in the deliveries: the same line again, the same value in another spelling, corrections that arrive before or after
-- the document that they correct, and documents that their source withdraws. A drop is safe because carrier, flight number,
-- origin and scheduled local date identify one flight (without the origin, 24 flights of 2013 would share a key), and because
-- the order of arrival decides nothing: the highest version wins, then the highest fingerprint.
-- A flight whose clock times and delays exclude each other contradicts itself.
{%- set contradictions = [
    clock_contradiction('departure_hhmm', 'scheduled_departure_hhmm', 'departure_delay_minutes'),
    clock_contradiction('arrival_hhmm', 'scheduled_arrival_hhmm', 'arrival_delay_minutes'),
    missing_event('departure_hhmm', ['arrival_hhmm', 'departure_delay_minutes', 'arrival_delay_minutes', 'air_time_minutes']),
    missing_event('arrival_hhmm', ['arrival_delay_minutes', 'air_time_minutes']),
    outside_range('departure_delay_minutes', -525600, 525600),
    outside_range('arrival_delay_minutes', -525600, 525600),
    outside_range('air_time_minutes', 0, 525600),
    outside_range('distance_miles', 0, 25000),
] %}

{{ deduplicated_documents(ref('stg_flights'), contradictions) }}
