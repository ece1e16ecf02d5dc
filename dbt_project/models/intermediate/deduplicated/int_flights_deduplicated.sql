-- Seen in the deliveries: the same line again, the same value in another spelling, corrections that arrive before or after
-- the document that they correct, and documents that their source withdraws. A drop is safe because carrier, flight number,
-- origin and scheduled local date identify one flight (without the origin, 24 flights of 2013 would share a key), and because
-- the order of arrival decides nothing: the highest version wins, then the highest fingerprint.

{{ deduplicated_documents(ref('stg_flights')) }}
