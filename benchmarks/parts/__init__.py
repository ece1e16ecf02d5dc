"""Takes what a benchmark measured apart: where the time of a step goes."""
