-- waybill: sample
-- One row per flight to be scored whose aircraft flew from New York within the 36 hours before: what is known of that leg at
-- the cut-off, and how much slack the rotation has. The legs back to New York are not in the data: the way back is assumed to
-- take as long as the way there. That the aircraft is known two hours before is an assumption, too.

with

cutoffs as (

    select * from {{ ref('int_flight_cutoffs') }}

),

legs as (

    select
        flight_id,
        is_in_range,
        scheduled_departure_at,
        cut_off_at,
        lag(scheduled_departure_at) over legs as previous_scheduled_at,
        lag(scheduled_arrival_at) over legs as previous_scheduled_arrival_at,
        lag(distance_miles) over legs as previous_distance_miles,
        lag(is_cancelled) over legs as previous_is_cancelled,
        lag(departure_delay_minutes) over legs as previous_departure_delay_minutes,
        lag(arrival_delay_minutes) over legs as previous_arrival_delay_minutes,
        lag(enroute_loss_minutes) over legs as previous_enroute_loss_minutes,
        lag(departed_at) over legs as previous_departed_at,
        lag(arrived_at) over legs as previous_arrived_at
    from cutoffs
    where aircraft_id is not null
    window legs as (partition by aircraft_id order by scheduled_departure_at, flight_id)

),

known as (

    select
        flight_id,
        extract(epoch from scheduled_departure_at - previous_scheduled_at)::int / 60 as rotation_minutes,
        -- there and back at 8 miles per minute, plus 40 minutes of taxi and climb each way and 45 minutes on the ground twice
        extract(epoch from scheduled_departure_at - previous_scheduled_at)::int / 60
        - (previous_distance_miles / 4 + 170) as rotation_slack_minutes,
        case
            when previous_arrived_at <= cut_off_at then previous_arrival_delay_minutes
        end as previous_arrival_delay_minutes,
        case
            when previous_arrived_at <= cut_off_at then previous_enroute_loss_minutes
        end as previous_enroute_loss_minutes,
        case
            when previous_departed_at <= cut_off_at then previous_departure_delay_minutes
            when previous_is_cancelled then null
            when previous_scheduled_at <= cut_off_at
                then extract(epoch from cut_off_at - previous_scheduled_at)::int / 60
        end as previous_departure_delay_minutes
    from legs
    where is_in_range and previous_scheduled_at >= scheduled_departure_at - interval '36 hours'

),

returns as (

    select
        flight_id,
        scheduled_departure_at,
        previous_scheduled_arrival_at + (previous_scheduled_arrival_at - previous_scheduled_at) as scheduled_return_at,
        case
            when previous_arrived_at <= cut_off_at then previous_arrived_at
            when previous_departed_at <= cut_off_at
                then previous_departed_at + (previous_scheduled_arrival_at - previous_scheduled_at)
            when previous_scheduled_at > cut_off_at then previous_scheduled_arrival_at
            when not previous_is_cancelled then cut_off_at + (previous_scheduled_arrival_at - previous_scheduled_at)
        end + (previous_scheduled_arrival_at - previous_scheduled_at) as expected_return_at
    from legs

),

final as (

    select
        known.*,
        coalesce(known.previous_arrival_delay_minutes, known.previous_departure_delay_minutes)
        - known.rotation_slack_minutes as inbound_delay_minutes,
        extract(epoch from returns.scheduled_departure_at - returns.scheduled_return_at)::int / 60
            as scheduled_ground_minutes,
        extract(epoch from returns.scheduled_departure_at - returns.expected_return_at)::int / 60
            as expected_ground_minutes
    from known
    inner join returns on known.flight_id = returns.flight_id

)

select * from final
