-- waybill: sample
-- One row per origin airport, scheduled local date and hour: the number of scheduled flights. The schedule is known long
-- before, so cancelled and diverted flights count as well.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

final as (

    select
        origin_airport_id,
        scheduled_hour,
        scheduled_date,
        count(*)::int as airport_flights_in_hour
    from cutoffs
    where is_in_range
    group by origin_airport_id, scheduled_hour, scheduled_date

)

select * from final
