-- waybill: sample
-- Seen in the deliveries: a registration again under a later date. Dropping the older one is safe because the tail number
-- identifies one aircraft in a register of one day. An aircraft does not imply its airline.

{{ deduplicated_documents(ref('stg_aircraft')) }}
