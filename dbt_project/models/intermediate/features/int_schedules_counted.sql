-- One row per origin airport, airline, scheduled local date and hour: how full the schedule is. The schedule is known
-- long before; cancelled and diverted flights are in it like all others.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

counted as (

    select
        origin_airport_id,
        airline_id,
        scheduled_date,
        scheduled_hour,
        count(*)::int as airline_flights
    from cutoffs
    where is_in_range
    group by origin_airport_id, airline_id, scheduled_date, scheduled_hour

),

final as (

    select
        origin_airport_id,
        airline_id,
        scheduled_date,
        scheduled_hour,
        airline_flights as airline_flights_in_hour,
        (sum(airline_flights) over (partition by origin_airport_id, scheduled_date, scheduled_hour))::int
            as airport_flights_in_hour,
        (sum(airline_flights) over so_far)::int as airport_flights_until_hour
    from counted
    window
        so_far as (
            partition by origin_airport_id, scheduled_date order by scheduled_hour
            range between unbounded preceding and current row
        )

)

select * from final
