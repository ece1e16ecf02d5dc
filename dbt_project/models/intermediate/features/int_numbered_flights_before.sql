-- waybill: sample
-- One row per flight to be scored whose flight number left the same airport on one of the four days before: how late the last
-- of these flights was, if it had landed by the cut-off.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

days as (

    select
        flight_id,
        is_in_range,
        scheduled_date,
        cut_off_at,
        lag(scheduled_date) over days as previous_date,
        lag(arrived_at) over days as previous_arrived_at,
        lag(arrival_delay_minutes) over days as previous_arrival_delay_minutes
    from cutoffs
    window days as (partition by airline_id, flight_number, origin_airport_id order by scheduled_departure_at, flight_id)

),

final as (

    select
        flight_id,
        case
            when previous_arrived_at <= cut_off_at then least(previous_arrival_delay_minutes, 240)
        end as numbered_flight_last_arrival_delay_minutes
    from days
    where is_in_range and previous_date >= scheduled_date - 4

)

select * from final
