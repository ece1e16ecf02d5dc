-- P4: every mart that stands has its primary key in the database.
-- depends_on: {{ ref('fct_flights') }}
-- depends_on: {{ ref('fct_weather_observations') }}
-- depends_on: {{ ref('flight_features') }}

select tables.tablename
from pg_tables as tables
where tables.schemaname = 'marts'
    and not exists (
        select from pg_constraint as constraints
        where constraints.contype = 'p'
            and constraints.conrelid = format('%I.%I', tables.schemaname, tables.tablename)::regclass
    )
