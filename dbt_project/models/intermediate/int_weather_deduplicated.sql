-- Seen in the deliveries: a station's day again when an observation was corrected. Station and UTC day name one
-- document (the local hour would repeat when the clocks go back), the highest version holds the whole day.
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_batch_id', '_position'],
    on_schema_change='fail',
    indexes=[{'columns': ['_batch_id', '_position'], 'unique': true}, {'columns': ['document_key']}],
    post_hook=['{{ record_consumed_batches() }}', 'analyze {{ this }}'],
) }}

{{ deduplicated_documents(ref('stg_weather')) }}
