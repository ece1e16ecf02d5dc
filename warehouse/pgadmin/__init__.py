"""pgAdmin on the warehouse: on this machine alone, behind a key, by the read-only login."""
