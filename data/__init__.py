"""Where raw input and cleaned output stand; `data.sample` builds the sample."""
