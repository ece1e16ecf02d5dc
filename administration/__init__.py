"""pgAdmin on the warehouse: on this machine alone, behind a key, by the read-only login."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
