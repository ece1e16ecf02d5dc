-- Seen in the deliveries: a registration again under a later date. The tail number names one aircraft in a register
-- of one day; an aircraft does not imply its airline.
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_batch_id', '_position'],
    on_schema_change='fail',
    indexes=[{'columns': ['_batch_id', '_position'], 'unique': true}, {'columns': ['document_key']}],
    post_hook=['{{ record_consumed_batches() }}', 'analyze {{ this }}'],
) }}

{{ deduplicated_documents(ref('stg_aircraft')) }}
