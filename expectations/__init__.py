"""Great Expectations at the two edges: raw after the load, marts before training."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
