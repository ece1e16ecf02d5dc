-- waybill: sample
{{ config(tags=['settled'], error_if=more_than_tolerated()) }}
-- One flight of 2013 is an exception: it arrived in Palm Beach in the night of 9 March, when clocks went forward, and its
-- source calculated the delay from the clock times.

select
    flight_id, scheduled_arrival_at, arrived_at, arrival_delay_minutes,
    (select count(*) from {{ ref('fct_flights') }}) as rows_checked
from {{ ref('fct_flights') }}
where arrived_at <> scheduled_arrival_at + make_interval(mins => arrival_delay_minutes)
    and not (destination_airport_id = 'PBI' and scheduled_date = '2013-03-09')
