"""Raw JSON files into raw tables: framed, checked against a contract, landed with COPY, accounted for."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
