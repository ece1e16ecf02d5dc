"""Side-by-side runs; each prints a table of medians."""
