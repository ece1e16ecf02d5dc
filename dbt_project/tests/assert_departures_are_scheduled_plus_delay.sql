-- waybill: sample
{{ config(tags=['settled'], error_if=more_than_tolerated()) }}
-- The instants are calculated from clock times and time zones, and the delay is delivered: they must agree.

select
    flight_id, scheduled_departure_at, departed_at, departure_delay_minutes,
    (select count(*) from {{ ref('fct_flights') }}) as rows_checked
from {{ ref('fct_flights') }}
where departed_at <> scheduled_departure_at + make_interval(mins => departure_delay_minutes)
