-- waybill: sample
-- Seen in the deliveries: an airport again under a later date. Dropping the older one is safe because the FAA's code
-- identifies one airport.

{{ deduplicated_documents(ref('stg_airports'), [
    outside_range('latitude_degrees', -90, 90),
    outside_range('longitude_degrees', -180, 180),
]) }}
