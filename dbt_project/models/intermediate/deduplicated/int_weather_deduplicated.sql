-- Seen in the deliveries: a station's day again when an observation was corrected. Station and UTC day name one
-- document (the local hour would repeat when the clocks go back), the highest version holds the whole day.

{{ deduplicated_documents(ref('stg_weather')) }}
