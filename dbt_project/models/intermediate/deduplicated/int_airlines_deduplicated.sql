-- waybill: sample
-- Seen in the deliveries: an airline again under a later date. Dropping the older one is safe because the carrier's code
-- identifies one airline.

{{ deduplicated_documents(ref('stg_airlines')) }}
