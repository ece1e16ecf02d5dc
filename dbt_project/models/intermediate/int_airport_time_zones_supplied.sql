-- One row per airport whose time zone the reference data lacks although flights go there: four islands in the Caribbean
-- that keep Atlantic time all year (IANA time zone database). An airport in neither place has no zone.

select supplied.airport_id, supplied.time_zone
from (
    values
    ('BQN', 'America/Puerto_Rico'),
    ('PSE', 'America/Puerto_Rico'),
    ('SJU', 'America/Puerto_Rico'),
    ('STT', 'America/St_Thomas')
) as supplied (airport_id, time_zone)
