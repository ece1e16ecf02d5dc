-- One row per airport that has flights but no time zone in the reference data: four airports in the Caribbean that keep
-- Atlantic time all year (IANA time zone database). An airport in neither list has no time zone.

select supplied.airport_id, supplied.time_zone
from (
    values
    ('BQN', 'America/Puerto_Rico'),
    ('PSE', 'America/Puerto_Rico'),
    ('SJU', 'America/Puerto_Rico'),
    ('STT', 'America/St_Thomas')
) as supplied (airport_id, time_zone)
