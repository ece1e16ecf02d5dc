-- waybill: sample
{{ config(error_if=more_than_tolerated()) }}
-- The source gives the hour of the scheduled departure in UTC; we calculate it from the local clock and the time zone.

select
    flight_id, scheduled_departure_at, source_departure_hour_at,
    (select count(*) from {{ ref('fct_flights') }}) as rows_checked
from {{ ref('fct_flights') }}
where date_trunc('hour', scheduled_departure_at) <> source_departure_hour_at
