-- waybill: sample
-- depends_on: {{ ref('dim_airlines') }}
-- depends_on: {{ ref('dim_aircraft') }}
-- depends_on: {{ ref('dim_airports') }}
-- One row per scheduled flight. A run rebuilds the flights with a new document, and those of an airport with a new document,
-- because the airport's time zone determines the instants. Their keys are an array, so that PostgreSQL finds them by the
-- index before it calculates anything.
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

airport_documents as (

    select * from {{ ref('int_airports_deduplicated') }}

),
{%- if is_incremental() %}

changed_airports as (

    select airport_id from airport_documents where _batch_id in {{ new_batches() }}

),

touched as (

    select document_key
    from documents
    where _batch_id = any(array{{ new_batches() | trim }})
        or origin_airport_id = any(array(select airport_id from changed_airports))
        or destination_airport_id = any(array(select airport_id from changed_airports))

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
