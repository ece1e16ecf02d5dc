"""pgAdmin on the warehouse: reachable from this machine only, protected by a key, with the read-only login."""
