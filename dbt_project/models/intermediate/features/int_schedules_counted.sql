-- One row per origin airport and scheduled local date and hour: how full the schedule is. The schedule is known long
-- before; cancelled and diverted flights are in it like all others.

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
