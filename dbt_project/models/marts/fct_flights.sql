-- depends_on: {{ ref('dim_airlines') }}
-- depends_on: {{ ref('dim_aircraft') }}
-- One row per flight that was scheduled to leave. A run looks at the flights that a new document speaks of, and at those
-- whose airport's own document is new, since the zone makes the instants. Asked for as an array, they are looked up by the
-- index before anything is worked out.
{{ config(
    pre_hook="{{ process_new_batches(['int_flights_deduplicated', 'dim_airports']) }}",
    post_hook=["{{ delete_rows_not_current(ref('int_flights_deduplicated')) }}", "analyze {{ this }}"],
    indexes=[{'columns': ['scheduled_date']}],
) }}
{%- set late_minutes = 15 %}

with

flights as (

    select * from {{ ref('int_flights_timed') }}

),

documents as (

    select * from {{ ref('int_flights_deduplicated') }}

),

airports as (

    select * from {{ ref('dim_airports') }}

),
{%- if is_incremental() %}

moved_airports as (

    select airport_id from airports where _batch_id in {{ new_batches() }}

),

touched as (

    select document_key
    from documents
    where _batch_id = any(array{{ new_batches() | trim }})
        or origin_airport_id = any(array(select airport_id from moved_airports))
        or destination_airport_id = any(array(select airport_id from moved_airports))

),
{%- endif %}

final as (

    select
        document_key as flight_id,
        airline_id,
        aircraft_id,
        origin_airport_id,
        destination_airport_id,
        case
            when departure_hhmm is null then 'cancelled'
            when arrival_delay_minutes is null then 'diverted'
            else 'arrived'
        end as flight_status,
        flight_number,
        departure_delay_minutes,
        arrival_delay_minutes,
        air_time_minutes,
        distance_miles,
        departure_hhmm is null as is_cancelled,
        departure_hhmm is not null and arrival_delay_minutes is null as is_diverted,
        arrival_delay_minutes >= {{ late_minutes }} as is_late,
        scheduled_date,
        scheduled_departure_at,
        scheduled_arrival_at,
        departed_at,
        arrived_at,
        source_departure_hour_at,
        updated_at,
        _batch_id,
        _position
    from flights
    {%- if is_incremental() %}
    where document_key = any(array(select document_key from touched))
    {%- endif %}

)

select * from final
