-- Seen in the deliveries: a registration again under a later date. The tail number names one aircraft in a register
-- of one day; an aircraft does not imply its airline.

{{ deduplicated_documents(ref('stg_aircraft')) }}
