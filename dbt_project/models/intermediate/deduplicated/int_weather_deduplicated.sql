-- waybill: sample
-- Seen in the deliveries: a station's day again, with a corrected observation. Dropping the older one is safe because station
-- and UTC day identify one document (a local hour would occur twice when clocks go back), and the highest version holds the
-- whole day.

{{ deduplicated_documents(ref('stg_weather')) }}
