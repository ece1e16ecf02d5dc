"""The stages in order, what each cost, the exports and the report page."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
