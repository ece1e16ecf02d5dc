-- waybill: sample
-- One row per current flight with its four instants in UTC. A clock time has no date: the scheduled arrival is the first
-- such time after the departure, and an actual time is on the day that brings it closest to schedule + delay. The day is
-- added to the local time first and the time zone applied last; otherwise the night when clocks change comes out wrong.

with

flights as (

    select * from {{ ref('int_flights_located') }}

),

scheduled as (

    select
        *,
        scheduled_departure_local at time zone origin_time_zone as scheduled_departure_at,
        first_arrival_local at time zone destination_time_zone as first_arrival_at,
        {{ evaluated_once() }} as _scheduled
    from flights

),

dated as (

    select
        *,
        first_departed_local + make_interval(days => {{ nearest_day(
            'scheduled_departure_local + make_interval(mins => coalesce(departure_delay_minutes, 0))',
            'first_departed_local'
        ) }}) as departed_local,
        first_arrival_local + case
            when first_arrival_at <= scheduled_departure_at then interval '1 day' else interval '0'
        end as scheduled_arrival_local
    from scheduled

),

arrived as (

    select
        *,
        case
            when first_arrival_at <= scheduled_departure_at
                then scheduled_arrival_local at time zone destination_time_zone
            else first_arrival_at
        end as scheduled_arrival_at,
        first_arrived_local + make_interval(days => {{ nearest_day(
            'scheduled_arrival_local + make_interval(mins => coalesce(arrival_delay_minutes, departure_delay_minutes, 0))',
            'first_arrived_local'
        ) }}) as arrived_local
    from dated

),

timed as (

    select
        *,
        departed_local at time zone origin_time_zone as last_departed_at,
        arrived_local at time zone destination_time_zone as last_arrived_at,
        {{ evaluated_once() }} as _timed
    from arrived

),

final as (

    select
        *,
        {{ local_instant(
            'departed_local', 'origin_time_zone', 'last_departed_at',
            'scheduled_departure_at + make_interval(mins => departure_delay_minutes)'
        ) }} as departed_at,
        {{ local_instant(
            'arrived_local', 'destination_time_zone', 'last_arrived_at',
            'scheduled_arrival_at + make_interval(mins => arrival_delay_minutes)'
        ) }} as arrived_at
    from timed

)

select * from final
