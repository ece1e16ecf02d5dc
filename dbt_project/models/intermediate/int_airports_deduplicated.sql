-- Seen in the deliveries: an airport again under a later date. The FAA's code names one airport.
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_batch_id', '_position'],
    on_schema_change='fail',
    indexes=[{'columns': ['_batch_id', '_position'], 'unique': true}, {'columns': ['document_key']}],
    post_hook=['{{ record_consumed_batches() }}', 'analyze {{ this }}'],
) }}

{{ deduplicated_documents(ref('stg_airports')) }}
