-- waybill: sample
-- One row per correction: the only list of delivered values that a mart replaces by another value. A value is listed only if it
-- is proven wrong: out of range, contradicted by another field of its row, or another spelling of a listed name. The marts
-- apply a correction where the delivered value still is the listed one (null: nothing was delivered), so a source that
-- corrects its data is never overwritten. Without a key, the correction applies to every row with the delivered value.

select
    listed.mart,
    listed.key,
    listed.field,
    listed.delivered_value,
    listed.correct_value,
    listed.reason,
    listed.evidence
from (
    values
    (
        'dim_airports', 'EEN', 'latitude_degrees', '72.270833', '42.898333',
        'swapped with the longitude: at 72.3° N there is the Arctic Ocean, and utc_offset_hours is -5',
        'FAA airport data, EEN (Keene, New Hampshire)'
    ),
    (
        'dim_airports', 'EEN', 'longitude_degrees', '42.898333', '-72.270833',
        'swapped with the latitude, and its sign lost: utc_offset_hours is -5, so it is west of Greenwich',
        'FAA airport data, EEN (Keene, New Hampshire)'
    ),
    (
        'dim_airports', 'BQN', 'time_zone', null, 'America/Puerto_Rico',
        'the airport has flights and no document: its time zone is supplied', 'IANA time zone database'
    ),
    (
        'dim_airports', 'PSE', 'time_zone', null, 'America/Puerto_Rico',
        'the airport has flights and no document: its time zone is supplied', 'IANA time zone database'
    ),
    (
        'dim_airports', 'SJU', 'time_zone', null, 'America/Puerto_Rico',
        'the airport has flights and no document: its time zone is supplied', 'IANA time zone database'
    ),
    (
        'dim_airports', 'STT', 'time_zone', null, 'America/St_Thomas',
        'the airport has flights and no document: its time zone is supplied', 'IANA time zone database'
    ),
    (
        'dim_aircraft', null, 'manufacturer', 'AIRBUS INDUSTRIE', 'AIRBUS',
        'another spelling of the same manufacturer', 'FAA aircraft register: the name before 2001'
    ),
    (
        'dim_aircraft', null, 'manufacturer', 'MCDONNELL DOUGLAS AIRCRAFT CO', 'MCDONNELL DOUGLAS',
        'another spelling of the same manufacturer', 'FAA aircraft register'
    ),
    (
        'dim_aircraft', null, 'manufacturer', 'MCDONNELL DOUGLAS CORPORATION', 'MCDONNELL DOUGLAS',
        'another spelling of the same manufacturer', 'FAA aircraft register'
    )
) as listed (mart, key, field, delivered_value, correct_value, reason, evidence)
