-- Seen in the deliveries: an airline again under a later date. The carrier's code names one airline.

{{ deduplicated_documents(ref('stg_airlines')) }}
