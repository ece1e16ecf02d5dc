"""Holds raw input and cleaned output; `data.sample` builds the sample."""
