-- waybill: sample, with dbt_project/models/intermediate/features/.sqlfluffignore
-- depends_on: {{ ref('fct_flights') }}
-- depends_on: {{ ref('fct_weather_observations') }}
-- One row: the scheduled dates whose features have to be rebuilt, and how far back these features look. A fact of one day
-- affects the features of at most the next 70 days: it is part of 60-day means, and of 21-day means with which flights of
-- later days are compared. So a run without new batches rebuilds nothing, and a late correction rebuilds the days after it. A
-- new airport document can change instants, so it rebuilds all features.
{{ config(pre_hook="{{ process_new_batches(['fct_flights', 'fct_weather_observations']) }}") }}
{%- set history_days = 70 %}
{%- set features = adapter.get_relation(database=target.dbname, schema='marts', identifier='flight_features') %}
{%- set makes_all = flags.FULL_REFRESH or features is none or rebuild_reason('model.waybill.flight_features') is not none %}

with

flights as (

    select * from {{ ref('int_flights_deduplicated') }}

),

weather as (

    select * from {{ ref('int_weather_deduplicated') }}

),

airports as (

    select * from {{ ref('int_airports_deduplicated') }}

),

changed as (

    select scheduled_date as changed_date
    from flights
    where _batch_id in {{ batches_not_processed_by('flight_features') }}
    union all
    select observation_date
    from weather
    where _batch_id in {{ batches_not_processed_by('flight_features') }}

),

bounds as (

    select
        {{ 'true' if makes_all else 'false' }} or exists (
            select from airports where _batch_id in {{ batches_not_processed_by('flight_features') }} and outcome in ('current', 'undone')
        ) as makes_all,
        (select min(scheduled_date) from flights) as first_scheduled_date,
        (select max(scheduled_date) from flights) as last_scheduled_date,
        min(changed_date) - 1 as first_changed_date,
        max(changed_date) + {{ history_days }} as last_changed_date
    from changed

),

final as (

    select
        case when makes_all then first_scheduled_date else first_changed_date end as first_date,
        case when makes_all then last_scheduled_date else last_changed_date end as last_date,
        case when makes_all then first_scheduled_date else first_changed_date end - {{ history_days }}
            as first_history_date
    from bounds

)

select * from final
