-- waybill: sample
-- One row per origin airport and scheduled departure: the flights scheduled to leave before it, from the cut-off on. With those
-- that are overdue at the cut-off they are the queue ahead. The schedule is known long before, so cancelled and diverted
-- flights count as well.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

counted as (

    select
        origin_airport_id,
        scheduled_departure_at,
        count(*)::int as scheduled_flights
    from cutoffs
    group by origin_airport_id, scheduled_departure_at

),

final as (

    select
        origin_airport_id,
        scheduled_departure_at,
        coalesce(sum(scheduled_flights) over (
            partition by origin_airport_id order by scheduled_departure_at
            range between interval '2 hours' preceding and interval '1 minute' preceding
        ), 0)::int as airport_flights_ahead
    from counted

)

select * from final
