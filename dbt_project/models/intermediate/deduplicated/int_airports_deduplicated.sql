-- Seen in the deliveries: an airport again under a later date. The FAA's code names one airport.

{{ deduplicated_documents(ref('stg_airports')) }}
