"""Where raw input and cleaned output stand; `data.sample` builds the sample."""

import warehouse  # noqa: F401  # from here on it heeds ctrl-C
