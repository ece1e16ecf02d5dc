"""Tasks, training, scoring, and the binding of a model to the rows that it learnt from."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
