-- Seen in the deliveries: an airline again under a later date. The carrier's code names one airline.
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_batch_id', '_position'],
    on_schema_change='fail',
    indexes=[{'columns': ['_batch_id', '_position'], 'unique': true}, {'columns': ['document_key']}],
    post_hook=['{{ record_consumed_batches() }}', 'analyze {{ this }}'],
) }}

{{ deduplicated_documents(ref('stg_airlines')) }}
